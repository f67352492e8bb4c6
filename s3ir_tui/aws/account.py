"""The account that the console works on: one guarded session, its identity, and its calls."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any

from s3ir_tui.aws.answers import Errors, about, see_that_it_is_whole
from s3ir_tui.aws.elsewhere import Elsewhere
from s3ir_tui.aws.endpoints import use_custom_hosts
from s3ir_tui.aws.errors import AwsError, from_exception
from s3ir_tui.aws.guard import WriteGuard
from s3ir_tui.aws.profiles import identity_of, roles_of_profile, source_profile
from s3ir_tui.aws.sign_in import (
    MfaCodes,
    end_of,
    first_credentials,
    longest,
    region_of_instance,
    role_extras,
    to_the_end,
)
from s3ir_tui.aws.sign_in import session_name as named
from s3ir_tui.aws.streams import EventStream, StreamErrors
from s3ir_tui.model import Identity

THREADS = 32
"""Threads that may call at once: connections in the pool of each client (more only burn this process's CPU)."""

_SECONDS_TO_CONNECT = 5
_SECONDS_TO_ANSWER = 20
_DEFAULT_REGION = "us-east-1"
_ATTEMPTS = 4
_TRIED_ONCE = {("cloudtrail", "LookupEvents"): 1}
"""What botocore must not send again by itself: each try counts against a limit that others share."""

Secret = Callable[[str, str], None]
"""Told each secret value that is in use (`kind`, `value`), so that it can be kept out of everything written."""


class Account:
    """A connection to one AWS account with one identity. Its clients are guarded, cached and shared by threads.

    Attributes:
        identity: Who the console is.
        region: Home Region of the connection.
        endpoint_url: Custom endpoint, or `None` for AWS.
        guard: The write guard of every client.
        own_keys: Access key ids that this console signs with, the key that assumed its role included.
        sources: ARNs of the identities whose credentials assumed its role, as far as they are known.
        credentials_end: UTC time at which the credentials end where nothing renews them, else `None`.
        agent_suffix: Called before each request; what it returns is added to the User-Agent.
    """

    def __init__(
        self,
        session: Any,
        guard: WriteGuard,
        *,
        region: str,
        endpoint_url: str | None = None,
        profile: str | None = None,
        on_secret: Secret | None = None,
    ) -> None:
        self.guard = guard
        self.region = region
        self.endpoint_url = endpoint_url
        self.agent_suffix: Callable[[], str] | None = None
        self.identity = Identity("", "", "", region)
        self.own_keys: tuple[str, ...] = ()
        self.sources: tuple[str, ...] = ()
        self._session = session
        self._profile = profile or ""
        self._on_secret = on_secret
        self._lock = threading.RLock()
        self._codes = MfaCodes(None)
        self._clients: dict[tuple[str, str, int], Any] = {}
        use_custom_hosts(session)
        session.register("before-sign", self._before_sign, unique_id="s3ir-before-sign")
        session.register("before-send", self._before_send, unique_id="s3ir-before-send")
        session.register("before-parse", see_that_it_is_whole, unique_id="s3ir-whole")

    @classmethod
    def connect(
        cls,
        profile: str | None = None,
        region: str | None = None,
        endpoint_url: str | None = None,
        role_arn: str | None = None,
        mfa_serial: str | None = None,
        mfa_prompt: Callable[[str], str] | None = None,
        *,
        external_id: str | None = None,
        session_name: str = "",
        source_identity: str | None = None,
        duration: timedelta | None = None,
        credentials: Mapping[str, str] | None = None,
        on_secret: Secret | None = None,
    ) -> Account:
        """Sign in and find out who we are.

        Args:
            profile: Profile of the AWS configuration, SSO profiles included; else the environment decides.
            region: Region; else that of the profile, environment or instance, else `us-east-1`.
            endpoint_url: Endpoint for every service; else `AWS_ENDPOINT_URL`, else AWS.
            role_arn: Role to assume with those credentials.
            mfa_serial: Serial or ARN of the MFA device that the role asks for.
            mfa_prompt: Asks the responder for a code; called during `connect` only, never from a worker.
            external_id: External id that the role asks for.
            session_name: Session name of the assumed role; else `s3ir-USER`.
            source_identity: Source identity that the role asks for.
            duration: How long a session of the role is to last; else the role's longest where it needs an MFA code.
            credentials: Credentials in botocore's spelling (`aws_access_key_id`, `aws_secret_access_key`,
                `aws_session_token`) instead of those of profile or environment.
            on_secret: Told each secret value in use: give `journal.redact.learn`.

        Raises:
            AwsError: No credentials, an expired sign-in, an unreachable endpoint.
        """
        import botocore.exceptions
        import botocore.session

        try:
            session = botocore.session.Session(profile=profile)
            guard = WriteGuard()
            guard.install(session)
            guard.choose_roles(*roles_of_profile(session), *([role_arn] if role_arn else ()))
            if credentials is not None:
                session.set_credentials(
                    credentials["aws_access_key_id"],
                    credentials["aws_secret_access_key"],
                    credentials.get("aws_session_token"),
                )
            place = region or session.get_config_variable("region") or ""
            if not place:
                with guard.signing_in():
                    place = region_of_instance(session.get_credentials()) or _DEFAULT_REGION
            account = cls(session, guard, region=place, endpoint_url=endpoint_url, profile=profile, on_secret=on_secret)
            account._codes = prompt = MfaCodes(mfa_prompt)
            account._prompt_through(prompt)
            with guard.signing_in():
                source = session.get_credentials()
                account._note_key(source)
            account._renew_as_sign_in(source)
            account._note_sources(bool(role_arn))
            if role_arn:
                with guard.signing_in():
                    account._assume(
                        role_arn,
                        role_extras(
                            name=named(session_name),
                            mfa_serial=mfa_serial,
                            external_id=external_id,
                            source_identity=source_identity,
                            seconds=int(duration.total_seconds()) if duration else 0,
                        ),
                    )
                account._renew_as_sign_in(session.get_credentials())
            answer = account.call("sts", "GetCallerIdentity", {})
            prompt.closed = True
        except botocore.exceptions.BotoCoreError as error:
            raise from_exception("sign-in", error, profile=profile or "") from None
        account.identity = Identity(answer["Account"], answer["Arn"], answer["UserId"], place)
        return account

    def elsewhere(self, role_arn: str) -> Elsewhere:
        """Another account's reading half, by a role that this identity may assume: with a guard that is never armed."""

        def connect() -> Account:
            import botocore.session

            session = botocore.session.Session()
            guard = WriteGuard()
            guard.install(session)
            guard.choose_roles(role_arn)
            session._credentials = self._session.get_credentials()
            there = Account(
                session, guard, region=self.region, endpoint_url=self.endpoint_url, on_secret=self._on_secret
            )
            own = self.identity.arn.rsplit("/", 1)[-1]
            name = own if ":assumed-role/" in self.identity.arn else named()
            with guard.signing_in():
                extra = role_extras(name=name, mfa_serial=None, external_id=None, source_identity=None, seconds=0)
                there._assume(role_arn, extra)
            there._renew_as_sign_in(session.get_credentials())
            return there

        return Elsewhere(connect)

    @property
    def own_access_key(self) -> str:
        """The access key id that requests are signed with."""
        return self.own_keys[-1] if self.own_keys else ""

    @property
    def credentials_end(self) -> datetime | None:
        """When the credentials end where nobody renews them without an MFA code, else `None`."""
        return end_of(self._session.get_credentials()) if self._codes.asked else None

    def give_code(self, code: str) -> None:
        """Take an MFA code for the next time that credentials are renewed; it is sent once."""
        self._codes.give(code)

    @property
    def partition(self) -> str:
        """`aws`, `aws-cn` or `aws-us-gov`."""
        return self.identity.arn.split(":")[1] if self.identity.arn else "aws"

    def client(self, service: str, region: str = "") -> Any:
        """A client of the guarded session, made on first use. Safe to share between threads.

        Args:
            service: boto3's service name.
            region: Region, or "" for the connection's.
        """
        return self._client(service, region or self.region)

    def _client(self, service: str, place: str, attempts: int = _ATTEMPTS) -> Any:
        with self._lock:
            made = self._clients.get((service, place, attempts))
            if made is None:
                made = self._clients[service, place, attempts] = self._make(service, place, attempts)
            return made

    def call(self, service: str, operation: str, params: Mapping[str, Any], region: str = "") -> dict[str, Any]:
        """Make one call.

        Args:
            service: boto3's service name.
            operation: The API operation, such as `GetBucketPolicy`.
            params: Its parameters in AWS's spelling.
            region: Region, or "" for the connection's.

        Returns:
            The answer as boto3 gives it, `ResponseMetadata` included.

        Raises:
            AwsError: The call failed.
            WriteRefused: It is a write that no plan permits.
        """
        from botocore import xform_name

        with self._errors(service, operation, params):
            attempts = _TRIED_ONCE.get((service, operation), _ATTEMPTS)
            method = getattr(self._client(service, region or self.region, attempts), xform_name(operation))
            answer: dict[str, Any] = method(**params)
            return answer

    def pages(
        self, service: str, operation: str, params: Mapping[str, Any], key: str, region: str = ""
    ) -> Iterator[Any]:
        """All items of a paged read, page by page.

        Args:
            service: boto3's service name.
            operation: The API operation, such as `ListUsers`.
            params: Its parameters.
            key: Name of the list in each page.
            region: Region, or "" for the connection's.

        Raises:
            AwsError: A page failed.
        """
        from botocore import xform_name

        with self._errors(service, operation, params):
            client = self.client(service, region)
            method = xform_name(operation)
            if not client.can_paginate(method):
                yield from getattr(client, method)(**params).get(key) or ()
                return
            for page in client.get_paginator(method).paginate(**params):
                yield from page.get(key) or ()

    def stream(
        self, service: str, operation: str, params: Mapping[str, Any], key: str, region: str = ""
    ) -> EventStream:
        """An answer that goes on: its events as they come.

        Args:
            service: boto3's service name.
            operation: The API operation, such as `StartLiveTail`.
            params: Its parameters.
            key: Name of the event stream in the answer.
            region: Region, or "" for the connection's.

        Raises:
            AwsError: The stream could not be opened.
        """
        errors = StreamErrors(f"{service}:{operation}", self._errors(service, operation, params))
        with errors:  # the first message is read in here
            return EventStream(self.call(service, operation, params, region)[key], errors)

    def _errors(self, service: str, operation: str, params: Mapping[str, Any]) -> Errors:
        return Errors(f"{service}:{operation}", about(params), self._profile)

    def _make(self, service: str, region: str, attempts: int) -> Any:
        from botocore.config import Config

        config = Config(
            max_pool_connections=THREADS,
            retries={"mode": "standard", "total_max_attempts": attempts},
            connect_timeout=_SECONDS_TO_CONNECT,
            read_timeout=_SECONDS_TO_ANSWER,
        )
        return self._session.create_client(service, region_name=region, endpoint_url=self.endpoint_url, config=config)

    def _prompt_through(self, prompt: MfaCodes) -> None:
        # A profile with role_arn and mfa_serial asks through botocore's own provider, by default on the terminal.
        resolver = self._session.get_component("credential_provider")
        for provider in resolver.providers:
            if getattr(provider, "METHOD", "") == "assume-role":
                provider._prompter = prompt

    def _note_sources(self, assumes: bool) -> None:
        """Find out whose credentials stand behind the role: cutting them ends this console at its next refresh."""
        found = []
        if assumes:
            with contextlib.suppress(AwsError):  # what is wrong with the credentials, assuming the role tells
                found.append(str(self.call("sts", "GetCallerIdentity", {})["Arn"]))
        if name := source_profile(self._session):
            found.append(identity_of(name, self.region, self.endpoint_url))
        self.sources = tuple(arn for arn in found if arn)

    def _assume(self, role_arn: str, extra: dict[str, Any]) -> None:
        from botocore.credentials import AssumeRoleCredentialFetcher, DeferredRefreshableCredentials

        source = self._session.get_credentials()
        if source is None:
            raise AwsError("NoCredentialsError", "no credentials to assume the role with", operation="sts:AssumeRole")
        coded = "SerialNumber" in extra
        if coded and "DurationSeconds" not in extra:  # without a code it is renewed by itself, an hour is enough
            extra["DurationSeconds"] = longest(
                lambda name: self.call("iam", "GetRole", {"RoleName": name})["Role"], role_arn
            )
        extra = {name: value for name, value in extra.items() if value}

        def fetch(given: Mapping[str, Any]) -> Any:
            fetcher = AssumeRoleCredentialFetcher(
                client_creator=self._sign_in_client,
                source_credentials=source,
                role_arn=role_arn,
                extra_args=dict(given),
                mfa_prompter=self._codes,
            )
            made = DeferredRefreshableCredentials(method="assume-role", refresh_using=fetcher.fetch_credentials)
            if coded:
                to_the_end(made)
            with Errors("sts:AssumeRole", role_arn, self._profile):
                made.get_frozen_credentials()
            return made

        self._session._credentials = first_credentials(fetch, extra, coded=coded)
        self._clients.clear()

    def _renew_as_sign_in(self, credentials: Any) -> None:
        # botocore renews credentials in whatever thread signs next: the calls for that are signing in, too.
        refresh = getattr(credentials, "_refresh_using", None)
        if refresh is None:
            return

        def renew() -> Any:
            with self.guard.signing_in():
                return refresh()

        credentials._refresh_using = renew

    def _sign_in_client(self, service: str, **given: Any) -> Any:
        with self._lock:  # a botocore session makes one client at a time
            return self._session.create_client(
                service, region_name=self.region, endpoint_url=self.endpoint_url, **given
            )

    def _note_key(self, credentials: Any) -> None:
        if credentials is None:
            return
        frozen = credentials.get_frozen_credentials()
        if frozen.access_key and frozen.access_key not in self.own_keys:
            self.own_keys = (*self.own_keys, frozen.access_key)
            if self._on_secret:
                for kind, value in (("secret-key", frozen.secret_key), ("session-token", frozen.token)):
                    if value:
                        self._on_secret(kind, value)

    def _before_sign(self, request_signer: Any, **_: Any) -> None:
        # The signer's own credentials: asking the session here would wait for the refresh that this call is part of.
        self._note_key(request_signer._credentials)

    def _before_send(self, request: Any, **_: Any) -> None:
        # botocore writes the User-Agent anew after signing, and leaves it out of the signature.
        if self.agent_suffix is not None and (suffix := self.agent_suffix()):
            agent = request.headers.get("User-Agent", "")
            del request.headers["User-Agent"]
            request.headers["User-Agent"] = f"{agent} {suffix}".strip()
