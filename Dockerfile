# One image for every process; the command selects it: `users`, `users migrate`, `orchestrator.worker` …
# Needs BuildKit (Docker 23 and later use it by default).

ARG PYTHON=3.13-slim-bookworm

FROM python:${PYTHON} AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1
RUN python -m venv /venv
# The lock before the source, so that a change of code does not reinstall the dependencies. Wheels only: no compiler.
COPY requirements.txt /build/requirements.txt
RUN --mount=type=cache,target=/var/cache/pip,sharing=locked PIP_CACHE_DIR=/var/cache/pip \
    /venv/bin/pip install --require-hashes --only-binary :all: --requirement /build/requirements.txt \
    && /venv/bin/pip uninstall --yes pip
WORKDIR /app
COPY proto ./proto
COPY common ./common
COPY rabbitmq ./rabbitmq
COPY users ./users
COPY orders ./orders
COPY events ./events
COPY inventory ./inventory
COPY orchestrator ./orchestrator
COPY gateway ./gateway
COPY invariants ./invariants
# Compiled here, because the container's file system is read-only. Unchecked, because the sources do not change.
RUN /venv/bin/python -m compileall -q --invalidation-mode unchecked-hash /app

FROM python:${PYTHON}
LABEL org.opencontainers.image.title="TicketRemaster" org.opencontainers.image.licenses="MIT"
ENV PATH=/venv/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    PYTHONPATH=/app
COPY --from=build /venv /venv
COPY --from=build /app /app
WORKDIR /app
# A volume that is mounted here belongs to the service's user.
RUN install --directory --owner=10001 --group=10001 --mode=700 /objects
# A numeric id, so that an orchestrator can verify that it is not root.
USER 10001:10001
# HEALTH_PORT is set if PORT does not serve HTTP, as in inventory (gRPC).
HEALTHCHECK --interval=5s --timeout=4s --start-period=30s --retries=5 \
    CMD ["python", "-c", "import os, urllib.request; port = os.environ.get('HEALTH_PORT') or os.environ['PORT']; urllib.request.urlopen(f'http://127.0.0.1:{port}/health', timeout=3)"]
ENTRYPOINT ["python", "-m"]
