"""What can go wrong, in two levels: every message is one sentence that a user can act on."""


class HelpersError(Exception):
    """Base of all errors that this package raises on purpose; its text is meant for the user."""


class MediaError(HelpersError):
    """A recording cannot be read: empty, not media, without audio, too long."""


class LinkError(HelpersError):
    """A link cannot be fetched: not allowed, not there, no recording, too large, too slow."""


class SpeechError(HelpersError):
    """A recording was read, but there is nothing in it to analyse."""


class ModelError(HelpersError):
    """A model is unknown, does not match its card, or cannot be served by this version."""


class DrawingError(HelpersError):
    """The charts of an analysis cannot be drawn outside of the app."""


class CorpusError(HelpersError):
    """A corpus is missing or is not laid out as its official distribution."""


class BatchError(HelpersError):
    """A batch cannot start or go on: no recordings, a package that is missing, no workers."""
