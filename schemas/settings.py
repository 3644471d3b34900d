"""Settings of a site: from a file, the environment and `--set`, checked once, with errors that name the key.

Later ones win: defaults, `--settings FILE` (YAML), environment (``YUQING_FLINK__PARALLELISM=4``), `--set` (dotted:
``flink.parallelism=4``).
"""

from __future__ import annotations

import os
import reprlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict, SettingsError

from schemas.channels import ChannelSection, check_together
from schemas.errors import UsageError


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid")


def _pair(first: str, one: object, second: str, other: object) -> None:
    if bool(one) != bool(other):
        raise ValueError(f"{first} and {second} belong together: {second if one else first} is missing")


class StoreSection(_Section):
    """Which ClickHouse; without a URL the embedded one of this home."""

    url: str = ""
    user: str = "yuqing"
    password: SecretStr = SecretStr("")
    password_file: Path | None = None
    passwords: Path | None = None
    """Of a store of one's own: a folder with a file for each of its other users, named after it (operator, analyst,
    notifier, ...), that holds the password. Without it `sql` refuses: the pipeline's own account sees the vault."""
    ca: Path | None = None
    """PEM of the authority that signed the store's certificate; without it the operating system's authorities."""
    certificate: Path | None = None
    """PEM with our own certificate (and its chain), for a store that asks for one."""
    key: Path | None = None
    """PEM with the private key of `certificate`."""
    verify: bool = True
    """False talks to whoever answers at the address: for finding a fault, never for work."""

    @model_validator(mode="after")
    def _together(self) -> StoreSection:
        _pair("certificate", self.certificate, "key", self.key)
        if "@" in self.url:
            raise ValueError("url holds a user or password: write it without, and set user and password_file")
        given = [name for name in ("ca", "certificate", "key") if getattr(self, name)]
        if given and self.url and not self.url.startswith("https:"):
            raise ValueError(f"{', '.join(given)} only mean something with TLS: write url as https://host:8443")
        return self


class KafkaSection(_Section):
    """How jobs sign in to Kafka: one account for all kafka:// sources of a site (docs/security.md)."""

    security_protocol: Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"] = "PLAINTEXT"
    """Kafka's own name: SSL is TLS, SASL a password."""
    sasl_mechanism: Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"] = "SCRAM-SHA-512"
    sasl_username: str = ""
    sasl_password: SecretStr = SecretStr("")
    """Better a file: the environment of a process is read by every process of its account."""
    sasl_password_file: Path | None = None
    ssl_ca: Path | None = None
    """PEM of the authority that signed the brokers' certificates. Without it those that Java trusts."""
    ssl_certificate: Path | None = None
    """PEM with our own certificate and its chain, for brokers that ask for one."""
    ssl_key: Path | None = None
    """PEM with its private key: PKCS#8 without a passphrase (`openssl pkcs8 -topk8 -nocrypt`), mode 0600."""
    ssl_verify_hostname: bool = True

    @property
    def tls(self) -> bool:
        return self.security_protocol in ("SSL", "SASL_SSL")

    @property
    def sasl(self) -> bool:
        return self.security_protocol.startswith("SASL_")

    @model_validator(mode="after")
    def _together(self) -> KafkaSection:
        _pair("ssl_certificate", self.ssl_certificate, "ssl_key", self.ssl_key)
        for names, wanted, protocols in (
            (("ssl_ca", "ssl_certificate"), self.tls, "SSL or SASL_SSL"),
            (("sasl_username", "sasl_password", "sasl_password_file"), self.sasl, "SASL_SSL"),
        ):
            given = [name for name in names if str(getattr(self, name) or "")]
            if given and not wanted:
                raise ValueError(
                    f"{', '.join(given)} would not be used with security_protocol {self.security_protocol}: "
                    f"set it to {protocols}"
                )
        if self.sasl:
            if not self.sasl_username:
                raise ValueError(f"sasl_username is missing: {self.security_protocol} signs in by name")
            if not self.sasl_password_file and not self.sasl_password.get_secret_value():
                raise ValueError("sasl_password_file is missing: a file that holds the password")
        if self.security_protocol == "SASL_PLAINTEXT" and self.sasl_mechanism == "PLAIN":
            raise ValueError("PLAIN over SASL_PLAINTEXT would show the password to the network: set SASL_SSL")
        return self


class FlinkSection(_Section):
    """How jobs run on Flink."""

    parallelism: Annotated[int, Field(ge=1, le=1024)] = min(os.cpu_count() or 1, 4)
    batch: Annotated[int, Field(ge=1, le=65_536)] = 1024
    """Most records that a step sees at once. Large batches are cheaper, most of all to insert: with 512 the whole job
    took 829 posts/s, with 1,024 1,010, with 2,048 1,182; but a post waits for its batch (p99 1.7, 2.8, 4.2 s)."""
    bundle_ms: Annotated[int, Field(ge=1, le=60_000)] = 500
    """Longest wait for a batch to fill."""
    checkpoint_s: Annotated[float, Field(ge=0.1, le=3_600)] = 5.0
    configuration: dict[str, str] = {}
    """Flink's own keys, passed on as they are."""


class ModelSection(_Section):
    """Which model classifies."""

    bundle: Path | None = None
    """A bundle folder; without one the shipped default."""
    device: Literal["auto", "cpu", "cuda"] = "auto"
    """Where a bundle of kind "torch" runs; auto takes CUDA where it is. The others run on the CPU."""
    memo: Annotated[int, Field(ge=0, le=10_000_000)] = 20_000
    """Texts whose results a worker remembers, so that copies need no model; about 1.5 KB each; 0: none. Changes no
    result. What it saved stands in what a run reports ("model results remembered")."""


class RulesSection(_Section):
    """Keyword rules."""

    folders: tuple[Path, ...] = ()
    """Folders of YAML rule files; without any the shipped ones."""


class AlertsSection(_Section):
    """Alerts and their delivery."""

    webhook: str = ""
    """Where the notifier posts alerts; without one it appends to HOME/alerts.jsonl."""
    max_age_hours: Annotated[float, Field(gt=0)] = 24.0
    """Events older than this against the ingest clock are counted and never sent."""
    channels: tuple[ChannelSection, ...] = ()
    """Further ways to people: see docs/alerts.md."""

    @field_validator("channels")
    @classmethod
    def _channels(cls, value: tuple[ChannelSection, ...]) -> tuple[ChannelSection, ...]:
        check_together(value)
        return value


class OverloadSection(_Section):
    """What a live stream gives up when it falls behind (docs/operating.md)."""

    lag_s: Annotated[float, Field(ge=0, le=86_400)] = 30.0
    """Age of Kafka records from which posts that cannot be calls get the light model's labels; 0: never."""
    back_s: Annotated[float, Field(ge=0, le=86_400)] = 10.0
    """Age below which all posts get the encoder's again."""

    @model_validator(mode="after")
    def _in_order(self) -> OverloadSection:
        if self.lag_s and self.back_s >= self.lag_s:
            raise ValueError(f"back_s ({self.back_s:g}) must be less than lag_s ({self.lag_s:g}), or lag_s 0")
        return self


class ReadingSection(_Section):
    """What reading the files of one application may cost; beyond it a file is refused with the reason
    (udfs/reading/limits.py has the same names)."""

    files: Annotated[int, Field(ge=1, le=10_000)] = 300
    file_bytes: Annotated[int, Field(ge=1_024)] = 50 << 20
    file_pages: Annotated[int, Field(ge=1)] = 200
    pages: Annotated[int, Field(ge=1)] = 500
    """Of all files together."""
    pixels: Annotated[int, Field(ge=10_000)] = 60_000_000
    """Of an image, before it is decoded."""
    archive_bytes: Annotated[int, Field(ge=1_024)] = 200 << 20
    """Of a DOCX when unpacked; also of what a PDF's streams may become."""
    archive_ratio: Annotated[int, Field(ge=2)] = 200
    """Unpacked to packed, for members above a megabyte."""
    archive_members: Annotated[int, Field(ge=1)] = 2_000
    page_seconds: Annotated[float, Field(ge=1)] = 60.0
    seconds: Annotated[float, Field(ge=1)] = 150.0
    """For all pages of an application: an answer is due within three minutes."""
    memory_bytes: Annotated[int, Field(ge=1 << 29)] = 3 << 30
    """Address space of a process that decodes."""
    working_side: Annotated[int, Field(ge=600, le=6_000)] = 2_200
    """Pixels of the longer side at which a page is read; A4 at 190 dpi."""


class Bands(_Section):
    """What the circuit breaker of automatic approval calls normal (governance/automation.py, docs/approval-breaker.md).

    Each band is a limit for a share of the latest applications. It is left when so many would be improbable (`doubt`)
    if the share were at its limit, so a few applications open nothing.
    """

    window: Annotated[int, Field(ge=20, le=10_000)] = 500
    """Latest applications that are looked at."""
    minimum: Annotated[int, Field(ge=5)] = 50
    """With fewer applications nothing but reviews is judged."""
    doubt: Annotated[float, Field(gt=0, le=0.2)] = 0.01
    """Opens when what was seen has at most this probability at the limit of the band."""
    ocr_confidence: Annotated[float, Field(ge=0, le=1)] = 0.80
    """Least median, over scanned applications, of the confidence of their worst page."""
    referral_low: Annotated[float, Field(ge=0, le=1)] = 0.02
    """Least share that is not approved: who finds nothing any more may have stopped looking."""
    referral_high: Annotated[float, Field(ge=0, le=1)] = 0.70
    """Largest share that is not approved."""
    disagreement: Annotated[float, Field(ge=0, le=1)] = 0.02
    """Largest share of reviews in which the officer decided otherwise."""
    reviews: Annotated[int, Field(ge=5, le=10_000)] = 200
    """Latest reviews that are looked at."""
    reviews_minimum: Annotated[int, Field(ge=2)] = 5
    p95_seconds: Annotated[float, Field(gt=0)] = 20.0
    """95 of 100 applications should take no longer."""

    @model_validator(mode="after")
    def _in_order(self) -> Bands:
        if self.referral_low >= self.referral_high:
            raise ValueError(f"referral_low ({self.referral_low:g}) must be less than referral_high")
        for few, many in (("minimum", "window"), ("reviews_minimum", "reviews")):
            if getattr(self, few) > getattr(self, many):
                raise ValueError(f"{few} ({getattr(self, few)}) must be at most {many} ({getattr(self, many)})")
        return self


class ApprovalSection(_Section):
    """Approval of application documents."""

    types: tuple[Path, ...] = ()
    """Folders of further types of application, beside those that come with the software."""
    audit_share: Annotated[float, Field(ge=0, le=1)] = 0.02
    """Share of applications that are always referred, whatever the machine thinks: drawn by a keyed hash of the id."""
    readers: Annotated[int, Field(ge=1, le=64)] = max(min(os.cpu_count() or 1, 4), 1)
    """Processes that decode and read pages."""
    reading: ReadingSection = ReadingSection()
    bands: Bands = Bands()


class PrivacySection(_Section):
    """What tables of counts about real people may cost (docs/privacy-budget.md)."""

    budget_epsilon: Annotated[float, Field(gt=0, le=20)] = 3.0
    """A requester may spend so much on a population in a period."""
    total_epsilon: Annotated[float, Field(gt=0, le=100)] = 6.0
    """All requesters together."""
    period_days: Annotated[int, Field(ge=1, le=36_500)] = 365
    """After so many days what was spent comes back."""


class KeysSection(_Section):
    """Where keys come from: file, env:NAME, or command:..."""

    master: str = "file"
    token: str = "file"  # noqa: S105 - a source's name
    disk: str = "file"
    """Of the embedded store's encrypted disk; ``up`` reads it."""


SECRETS = ("store.password", "kafka.sasl_password")
"""Settings that never come from a command line."""
_INSTEAD = "write it into a file of mode 0600 and set store.password_file or kafka.sasl_password_file to its path"


class Settings(BaseSettings):
    """Everything a site may set."""

    model_config = SettingsConfigDict(
        env_prefix="YUQING_", env_nested_delimiter="__", extra="forbid", nested_model_default_partial_update=True
    )

    store: StoreSection = StoreSection()
    kafka: KafkaSection = KafkaSection()
    flink: FlinkSection = FlinkSection()
    model: ModelSection = ModelSection()
    rules: RulesSection = RulesSection()
    alerts: AlertsSection = AlertsSection()
    keys: KeysSection = KeysSection()
    overload: OverloadSection = OverloadSection()
    approval: ApprovalSection = ApprovalSection()
    privacy: PrivacySection = PrivacySection()

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """The environment first, then what `load` passes in; `load` lays `--set` over both."""
        return (env_settings, init_settings)


def load(file: Path | None = None, overrides: Sequence[str] = ()) -> Settings:
    """Read settings. Raises UsageError naming the key, its value and what is allowed."""
    values = _from_file(file) if file is not None else {}
    try:
        settings = Settings(**values)
        if overrides:
            merged = settings.model_dump()
            for override in overrides:
                _set(merged, override)
            settings = Settings.model_validate(merged)
    except ValidationError as error:
        raise UsageError(_words(error)) from None
    except SettingsError as error:  # lists and objects in the environment are JSON
        raise UsageError(f"environment YUQING_...: {error}") from None
    return settings


def _from_file(file: Path) -> dict[str, Any]:
    from schemas import yaml_files

    try:
        values = yaml_files.read(file.read_bytes(), aliases=False)
    except OSError as error:
        raise UsageError(f"--settings {file}: {error.strerror}") from None
    except yaml_files.NotYaml as error:
        line = f", line {error.line}" if error.line else ""
        raise UsageError(f"--settings {file}{line}: {error.problem}") from None
    if values is None:
        return {}
    if not isinstance(values, dict) or not all(isinstance(key, str) for key in values):
        raise UsageError(f"--settings {file}: must hold keys and values, like 'flink: {{parallelism: 2}}'")
    return values


def _set(values: dict[str, Any], override: str) -> None:
    key, equals, value = override.partition("=")
    if not equals or not key:
        raise UsageError(f"--set {override!r}: write key=value, for example --set flink.parallelism=2")
    if key in SECRETS:
        # not echoed: it is a password
        raise UsageError(f"--set {key}=...: every process list would show it, and the run's folder keep it; {_INSTEAD}")
    *sections, name = key.split(".")
    if sections[:2] == ["flink", "configuration"]:  # Flink's own keys have dots of their own
        sections, name = ["flink", "configuration"], key.removeprefix("flink.configuration.")
    at = values
    for section in sections:
        if not isinstance(at.get(section), dict):
            raise UsageError(f"--set {override!r}: there is no setting {key}; sections are {', '.join(values)}")
        at = at[section]
    at[name] = value.split(",") if name in ("folders", "types") else value


_SHORT = reprlib.Repr()
"""What is shown of a wrong value is bounded in every direction."""
_SHORT.maxlevel = 2
_SHORT.maxstring = _SHORT.maxother = _SHORT.maxlong = 80
_MOST_SHOWN = 10
"""Problems told at once."""


def _words(error: ValidationError) -> str:
    parts = []
    problems = error.errors(include_url=False)
    for problem in problems[:_MOST_SHOWN]:
        key = ".".join(str(part)[:80] for part in problem["loc"])
        if problem["type"] == "extra_forbidden":
            parts.append(f"setting {key}: there is no such setting")
        else:
            # a channel's address is a secret, wherever somebody has put it
            secret = "password" in key or (key.startswith("alerts.channels") and not _harmless(problem["loc"]))
            secret = secret or isinstance(problem["input"], Mapping)  # a whole section, its passwords with it
            shown = "" if secret else f" = {_SHORT.repr(problem['input'])}"
            parts.append(f"setting {key}{shown}: {problem['msg']}")
    if len(problems) > _MOST_SHOWN:
        parts.append(f"and {len(problems) - _MOST_SHOWN} more")
    return "; ".join(parts)


def _harmless(where: Sequence[int | str]) -> bool:
    return len(where) > 3 and where[3] != "url" and where[3] in ChannelSection.model_fields
