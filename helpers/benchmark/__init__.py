"""How fast this machine is: whole recordings beside what a user would do otherwise, and the live page."""
