"""docker-compose.yml and the Dockerfile are right as far as can be told without an engine.

What each container runs is parsed by the real command line, what it is given by the real settings.
"""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click
import pytest
import yaml

from almenara.app.environment import settings_of
from almenara.app.settings import Settings, load_settings
from almenara.cli.main import cli

ROOT = Path(__file__).parents[2]
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text("utf-8"))
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
IMAGE = "almenara:0.1.0"
RUNNING = ("ingest", "rules", "notifier", "ticker", "console")
ONCE = ("keys", "migrate")
OURS = (*RUNNING, "migrate")
KEYS = "/run/keys"
DOCKERFILE = (ROOT / "Dockerfile").read_text("utf-8")


def parse(words: list[str]) -> None:
    """Parses a command line without running it; raises click.UsageError when it cannot be typed."""
    command: click.Command = cli
    context: click.Context | None = None
    while True:
        context = command.make_context(words[0], list(words[1:]), parent=context)
        if not isinstance(command, click.Group):
            return
        words = [*context._protected_args, *context.args]
        found = command.get_command(context, words[0]) if words else None
        if found is None:
            raise click.UsageError(f"no such verb: {words}")
        command = found


def test_the_parts_are_these() -> None:
    assert set(SERVICES) == {*RUNNING, *ONCE, "kafka", "postgres"}
    assert {name for name in SERVICES if SERVICES[name]["image"] == IMAGE} == {*RUNNING, *ONCE}


@pytest.mark.parametrize("name", OURS)
def test_the_command_can_be_typed(name: str) -> None:
    assert "entrypoint" not in SERVICES[name]
    parse(["almenara", *SERVICES[name]["command"]])


@pytest.mark.parametrize("name", RUNNING)
def test_each_service_runs_the_part_it_is_called_by(name: str) -> None:
    assert SERVICES[name]["command"] == ["run", name]


@pytest.mark.parametrize("name", RUNNING)
def test_the_health_check_can_be_typed(name: str) -> None:
    kind, program, *words = SERVICES[name]["healthcheck"]["test"]
    assert (kind, program) == ("CMD", "almenara")
    parse([program, *words])


@pytest.mark.parametrize("name", sorted(set(SERVICES) - set(ONCE)))
def test_what_runs_on_has_a_health_check_with_limits_and_is_restarted(name: str) -> None:
    assert {"test", "interval", "timeout", "retries", "start_period"} <= set(SERVICES[name]["healthcheck"])
    assert SERVICES[name]["restart"] == "unless-stopped"


@pytest.mark.parametrize("name", OURS)
def test_the_settings_are_settings(name: str, tmp_path: Path) -> None:
    environ = {key: value.replace("$$", "$") for key, value in SERVICES[name]["environment"].items()}
    assert set(environ) - {"ALMENARA_CONFIG"} <= {setting.variable for setting in settings_of(Settings)}
    for key in ("database_password", "audience_key", "links_key"):
        (tmp_path / key).write_text("0123456789abcdef0123456789abcdef", "utf-8")
    here = {key: value.replace(KEYS, str(tmp_path)) for key, value in environ.items()}
    settings = load_settings(tmp_path, here, required=False)
    assert settings.mode == "distributed"
    assert settings.kafka.bootstrap == "kafka:9092"
    assert settings.kafka.partitions == Settings().kafka.partitions
    assert "0123456789abcdef@postgres:5432/almenara" in settings.storage.database.reveal()


@pytest.mark.parametrize("name", SERVICES)
def test_nothing_has_more_rights_than_it_needs(name: str) -> None:
    service = SERVICES[name]
    user, _, group = service["user"].partition(":")
    assert int(user) > 0
    assert int(group) > 0
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert not {"privileged", "cap_add", "devices", "pid", "ipc"} & set(service)
    assert service.get("network_mode") in (None, "none")


@pytest.mark.parametrize("name", [*RUNNING, *ONCE, "postgres"])
def test_the_root_file_system_is_read_only(name: str) -> None:
    assert SERVICES[name]["read_only"] is True
    assert any(mount.startswith("/tmp:") for mount in SERVICES[name]["tmpfs"])


@pytest.mark.parametrize("name", SERVICES)
def test_secrets_come_from_files(name: str) -> None:
    environment: Mapping[str, str] = SERVICES[name]["environment"]
    for key, value in environment.items():
        if re.search(r"PASSWORD|KEY|SECRET|TOKEN", key):
            assert key.endswith("_FILE") or value.startswith("$${file:/run/"), key
        assert not re.search(r"://[^/@:]+:(?!\$\$\{file:)[^/@]+@", value), key
        assert "$$" in value or "$" not in value, f"{key} depends on the environment of whoever starts it"


def test_only_one_container_writes_the_keys_and_it_has_no_network() -> None:
    writing = [name for name, service in SERVICES.items() if f"keys:{KEYS}" in service.get("volumes", ())]
    reading = {name for name, service in SERVICES.items() if f"keys:{KEYS}:ro" in service.get("volumes", ())}
    assert writing == ["keys"]
    assert SERVICES["keys"]["network_mode"] == "none"
    assert reading == {*OURS, "postgres"}


@pytest.mark.parametrize("name", RUNNING)
def test_services_start_after_the_schema_and_the_servers(name: str) -> None:
    assert SERVICES[name]["depends_on"] == {
        "migrate": {"condition": "service_completed_successfully"},
        "kafka": {"condition": "service_healthy"},
        "postgres": {"condition": "service_healthy"},
    }


def test_the_schema_comes_after_the_servers_and_they_after_the_keys() -> None:
    ready, done = {"condition": "service_healthy"}, {"condition": "service_completed_successfully"}
    assert SERVICES["migrate"]["depends_on"] == {"keys": done, "kafka": ready, "postgres": ready}
    assert SERVICES["postgres"]["depends_on"] == {"keys": done}
    assert "depends_on" not in SERVICES["keys"]
    assert {SERVICES[name]["restart"] for name in ONCE} == {"no"}


def test_what_is_waited_for_can_come_to_pass() -> None:
    for name, service in SERVICES.items():
        for other, wanted in service.get("depends_on", {}).items():
            if wanted["condition"] == "service_healthy":
                assert "healthcheck" in SERVICES[other], f"{name} waits for the health of {other}"
            else:
                assert other in ONCE, f"{name} waits for the end of {other}"


def test_the_log_is_kept_for_ever() -> None:
    kafka = SERVICES["kafka"]["environment"]
    assert kafka["KAFKA_LOG_RETENTION_MS"] == "-1"
    assert kafka["KAFKA_AUTO_CREATE_TOPICS_ENABLE"] == "false"


def test_every_volume_is_named_and_used() -> None:
    mounts = [mount.split(":")[0] for service in SERVICES.values() for mount in service.get("volumes", ())]
    named = {source for source in mounts if not source.startswith(".")}
    assert named == set(COMPOSE["volumes"])
    assert all((ROOT / source).exists() for source in mounts if source.startswith("."))


@pytest.mark.parametrize("image", sorted({service["image"] for service in SERVICES.values()} - {IMAGE}))
def test_images_are_pinned_to_a_release(image: str) -> None:
    assert re.fullmatch(r"[a-z/]+:\d+\.\d+(\.\d+)?(-[a-z]+)?", image)


def test_nothing_listens_outside_the_project() -> None:
    assert [name for name, service in SERVICES.items() if "ports" in service] == []


def test_the_image_is_the_version_of_the_package() -> None:
    text = (ROOT / "pyproject.toml").read_text("utf-8")
    version = re.search(r'^version = "(.+)"$', text, re.MULTILINE)
    assert version
    assert f"almenara:{version[1]}" == IMAGE


def test_the_image_is_built_from_the_lock_and_does_not_run_as_root() -> None:
    assert re.findall(r"^FROM (\S+)", DOCKERFILE, re.MULTILINE) == ["python:3.13.7-slim-bookworm"] * 2
    assert "--require-hashes -r requirements/runtime.txt" in DOCKERFILE
    assert re.findall(r"^USER (.+)$", DOCKERFILE, re.MULTILINE) == [SERVICES["ingest"]["user"]]
    assert 'ENTRYPOINT ["almenara"]' in DOCKERFILE


def test_the_build_is_given_what_it_copies() -> None:
    ignore = (ROOT / ".dockerignore").read_text("utf-8").splitlines()
    given = {line[1:] for line in ignore if line.startswith("!")}
    copied = {
        source
        for line in re.findall(r"^COPY (?!--from)(?:--\S+ )*(.+)$", DOCKERFILE, re.MULTILINE)
        for source in line.split()[:-1]
    }
    assert copied == given
    assert all((ROOT / source).exists() for source in copied)
