# One image for every service; which one it is says the command (see docker-compose.yml).
FROM python:3.13.7-slim-bookworm AS build

ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1 PIP_NO_INPUT=1
WORKDIR /build
RUN python -m venv /opt/almenara
COPY requirements/runtime.txt requirements/
RUN /opt/almenara/bin/python -m pip install --require-hashes -r requirements/runtime.txt
COPY pyproject.toml README.md LICENSE ./
COPY config config
COPY migrations migrations
COPY services services
RUN /opt/almenara/bin/python -m pip install --no-deps --no-build-isolation . \
 && /opt/almenara/bin/python -m compileall -q /opt/almenara/lib

FROM python:3.13.7-slim-bookworm

# The folders exist and belong to the user, so that new volumes mounted on them do too.
RUN groupadd --system --gid 10001 almenara \
 && useradd --system --uid 10001 --gid 10001 --no-create-home --home-dir /nonexistent --shell /usr/sbin/nologin almenara \
 && install -d -o almenara -g almenara -m 0750 /var/lib/almenara \
 && install -d -o almenara -g almenara -m 0755 /run/keys /etc/almenara
COPY --from=build /opt/almenara /opt/almenara
COPY --chown=root:root config /etc/almenara

ENV PATH=/opt/almenara/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    ALMENARA_CONFIG=/etc/almenara \
    ALMENARA_DATA_DIR=/var/lib/almenara
USER 10001:10001
WORKDIR /var/lib/almenara
STOPSIGNAL SIGTERM
ENTRYPOINT ["almenara"]
CMD ["run", "all"]
