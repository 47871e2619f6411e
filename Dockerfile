# The app or the service: `docker build --tag call-emotions .`, then `docker run --publish 8502:8502 call-emotions`,
# or both by `docker compose up`. Packages are installed in a stage of their own, so that neither pip's cache nor a
# compiler is in the image that runs.
FROM python:3.13-slim AS packages
COPY requirements.txt requirements-service.txt /
RUN python -m venv /opt/packages \
    && /opt/packages/bin/pip install --no-cache-dir --requirement requirements-service.txt

FROM python:3.13-slim
COPY --from=packages /opt/packages /opt/packages
WORKDIR /opt/call-emotions
COPY streamlit_app.py ./
COPY .streamlit .streamlit
COPY helpers helpers
COPY models models
COPY samples samples
# Nothing but /tmp and /var/models is written to: the root may be read-only.
RUN useradd --uid 10001 --no-create-home --shell /usr/sbin/nologin service \
    && install --directory --owner service /var/models \
    && /opt/packages/bin/python -m compileall -q helpers
ENV PATH=/opt/packages/bin:$PATH HOME=/tmp PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1 \
    MALLOC_ARENA_MAX=2 HOST=0.0.0.0 PORT=8502 MODELS_DIR=/var/models HEALTH=http://127.0.0.1:8502/health
USER service
EXPOSE 8501 8502
HEALTHCHECK --interval=30s --timeout=5s --start-period=30s \
    CMD ["python", "-c", "import os, urllib.request; urllib.request.urlopen(os.environ['HEALTH'], timeout=4)"]
CMD ["python", "-m", "helpers.service"]
