"""The account's front door: every request is read, checked, carried out by moto or here, and recorded."""

from __future__ import annotations

import sys
import threading
import traceback
from collections.abc import Callable, Iterable
from http import HTTPStatus
from typing import Any

from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app

from s3ir_tui.gameday import organizations
from s3ir_tui.gameday.access_analyzer import AccessAnalyzer
from s3ir_tui.gameday.account_settings import AccountSettings
from s3ir_tui.gameday.authn import Authenticator, Who, admin_key
from s3ir_tui.gameday.authz import check_call, check_passed_roles
from s3ir_tui.gameday.delays import Delays
from s3ir_tui.gameday.delivery import trails_of
from s3ir_tui.gameday.events import records_of
from s3ir_tui.gameday.faults import Faults
from s3ir_tui.gameday.iam_service import IamService
from s3ir_tui.gameday.kms import answer_kms
from s3ir_tui.gameday.lookup import Lookup
from s3ir_tui.gameday.patches import apply_patches
from s3ir_tui.gameday.recorder import Recorder
from s3ir_tui.gameday.s3_answers import S3Answers
from s3ir_tui.gameday.s3_control import S3Control
from s3ir_tui.gameday.s3_points import reroute
from s3ir_tui.gameday.s3_rules import S3Rules
from s3ir_tui.gameday.sessions import Sessions
from s3ir_tui.gameday.ssm import SystemsManager
from s3ir_tui.gameday.sts import TokenService
from s3ir_tui.gameday.wire import (
    Answer,
    Call,
    Environ,
    Refused,
    error_answer,
    host_id,
    read_call,
    read_error,
    result_answer,
)

StartResponse = Callable[..., Any]
_READS = ("Get", "List", "Head", "Describe", "Lookup", "Simulate", "Generate", "Receive")
"""Receiving waits for messages: nobody else may have to wait for that."""
_MOTO_PATHS = ("/moto-api", "/latest/meta-data", "/latest/api")
"""Paths by which moto can be controlled; they are no part of AWS."""
_NOT_PASSED_ON = frozenset({"content-length", "connection", "date", "server", "x-amz-request-id", "x-amzn-requestid"})


class Front:
    """A WSGI application: one AWS partition with a victim's account and an outside account.

    Args:
        admin_secret: Secret of the seeding credentials.
        settings: Delays and quotas.
    """

    def __init__(self, admin_secret: str, settings: AccountSettings) -> None:
        apply_patches()
        self.recorder = Recorder()
        self.recorder.select = trails_of
        self.sessions = Sessions()
        self.delays = Delays()
        self.faults = Faults()
        self.lookup = Lookup(self.recorder)
        self.rules = S3Rules(self.delays)
        self._writes = threading.Lock()
        self.s3 = S3Answers(self.rules, self._forward, self._writes)
        self._control = S3Control(self.sessions, self.delays, self.perform, self._forward)
        self._authenticator = Authenticator(admin_secret, self.sessions, self.delays)
        self._sts = TokenService(self.sessions, self.delays)
        self._iam = IamService(self.delays, self._forward, self.recorder.truth)
        self._ssm = SystemsManager()
        self._analyzer = AccessAnalyzer()
        self._services: dict[str, Callable[[Call, Who], Answer]] = {
            "iam": self._iam.answer,
            "kms": lambda call, who: answer_kms(call, who, self._forward),
            "organizations": self._organizations,
            "ssm": self._systems_manager,
            "access-analyzer": lambda call, who: self._analyzer.answer(call, who.account),
        }
        self._moto = DomainDispatcherApplication(create_backend_app)
        self.settings = AccountSettings()
        self.set(settings)

    def set(self, settings: AccountSettings) -> None:
        """Set delays and quotas."""
        self.recorder.lag = settings.lag
        self.recorder.late_share, self.recorder.late_seconds = settings.late_share, settings.late_seconds
        self.lookup.rate = settings.lookup_rate
        if settings.delay != self.delays.seconds:
            self.delays.seconds = settings.delay
        self._iam.reads.seconds, self._iam.clash = settings.read_lag, settings.clash
        self._iam.most_attached = int(settings.attached_policies)
        self.s3.conflicts.window = settings.clash
        self.settings = settings

    def clear(self) -> None:
        """Forget what is not in moto's store: sessions, records, faults, delays under way."""
        self.sessions.clear()
        self.recorder.clear()
        self.lookup.clear()
        self.faults.clear()
        self.delays.clear()
        self.s3.clear()
        self._control.clear()
        self._iam.clear()
        self._ssm.clear()
        self._analyzer.clear()
        organizations.clear()

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        """Answer a request (PEP 3333)."""
        # Neither the account nor moto's own control may be chosen by a client.
        environ.pop("HTTP_X_MOTO_ACCOUNT_ID", None)
        point = reroute(environ)
        call = read_call(environ)
        call.point = point
        answer = self.answer(call)
        headers = [(name, value) for name, value in answer.headers if name.lower() not in _NOT_PASSED_ON]
        if call.service in ("s3", "s3control"):
            headers += [("x-amz-request-id", call.request_id), ("x-amz-id-2", host_id(call)), ("Server", "AmazonS3")]
        else:
            headers.append(("x-amzn-RequestId", call.request_id))
        length = answer.header("content-length") if environ["REQUEST_METHOD"] == "HEAD" else ""
        if answer.status not in (204, 304):
            headers.append(("Content-Length", length or str(len(answer.body))))
        start_response(f"{answer.status} {HTTPStatus(answer.status).phrase}", headers)
        return [b""] if environ["REQUEST_METHOD"] == "HEAD" else [answer.body]

    def answer(self, call: Call) -> Answer:
        """Check, carry out and record a call."""
        try:
            if str(call.environ.get("PATH_INFO", "")).startswith(_MOTO_PATHS):
                raise Refused("NoSuchBucket", "The specified bucket does not exist", 404)
            who = self._authenticator.identify(call)
        except Refused as refused:
            return error_answer(call, refused)
        return self.perform(call, who)

    def perform(self, call: Call, who: Who) -> Answer:
        """Carry out and record a call whose caller is known."""
        request_bytes = len(call.body)
        try:
            if not who.admin:
                if who.refusal is not None:
                    raise who.refusal
                self.faults.meet(call)
            answer = self._carry_out(call, who)
        except Refused as refused:
            answer = error_answer(call, refused)
        except Exception:  # noqa: BLE001 - a fault of this account: the client gets AWS's own error for such
            traceback.print_exc(file=sys.stderr)
            answer = error_answer(call, Refused("InternalFailure", "An internal error has occurred.", 500))
        read_error(call, answer)
        if answer.ok and call.operation and not call.operation.startswith(_READS) and not call.params.get("Key"):
            self.delays.observe(at_once=who.admin)
        if call.operation and not who.admin:
            self.recorder.add(records_of(call, who, answer, request_bytes))
        return answer

    def _carry_out(self, call: Call, who: Who) -> Answer:
        if not call.operation:
            code = "MissingAuthenticationToken" if who.caller.anonymous else "NotImplemented"
            raise Refused(
                code, "The request names no operation that this account knows", 403 if not who.account else 501
            )
        if call.is_s3:
            if call.operation == "ListBuckets" and who.caller.anonymous:
                raise Refused("AccessDenied", "Access Denied")
            bucket = self.rules.check(call, who)
            check_passed_roles(call, who)
            return self.s3.answer(call, who, bucket)
        if call.operation.startswith("AssumeRoleWith"):
            raise _not_here(call)
        if who.caller.anonymous:
            raise Refused("MissingAuthenticationToken", "Request is missing Authentication Token")
        if call.service == "sts":
            return self._sts.answer(call, who)
        if call.service == "s3control":
            return self._control.answer(call, who)
        check_call(call, who)
        if call.service == "cloudtrail" and call.operation == "LookupEvents":
            return result_answer(call, self.lookup.answer(call.params, who.account, call.region))
        own = self._services.get(call.service)
        return own(call, who) if own is not None else self._forward(call, who.account)

    def _systems_manager(self, call: Call, who: Who) -> Answer:
        return self._ssm.answer(call, who) or self._forward(call, who.account)

    def _organizations(self, call: Call, who: Who) -> Answer:
        own = organizations.answer_organizations(call, who)
        answer = own if own is not None else self._forward(call, who.account)
        if answer.ok:
            organizations.after_organizations(call, who.account)
        return answer

    def _forward(self, call: Call, account: str) -> Answer:
        """Hand a call to moto, to act in an account.

        Raises:
            Refused: moto does not know the operation.
        """
        if not self._has_backend(call):
            raise _not_here(call)
        environ = dict(call.environ)
        environ["HTTP_X_MOTO_ACCOUNT_ID"] = account
        if not environ.get("HTTP_AUTHORIZATION"):
            scope = f"{call.access_key or admin_key(account)}/20260101/{call.region}/{call.service}/aws4_request"
            environ["HTTP_AUTHORIZATION"] = (
                f"AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders=host, Signature=checked"
            )
        started: list[Any] = []

        def start_response(status: str, headers: list[tuple[str, str]], _error: Any = None) -> Callable[[bytes], None]:
            started[:] = [int(status.split(" ", 1)[0]), headers]
            return lambda _data: None

        try:
            # moto's dictionaries are not made for writers on several threads; reads of objects need no turn.
            if call.operation.startswith(_READS):
                body = b"".join(self._moto(environ, start_response))
            else:
                with self._writes:
                    body = b"".join(self._moto(environ, start_response))
        except NotImplementedError:
            raise _not_here(call) from None
        except Exception as error:  # noqa: BLE001 - moto raises anything where it is not finished
            message = f"We encountered an internal error. Please try again. ({type(error).__name__})"
            raise Refused("InternalError" if call.is_s3 else "InternalFailure", message, 500) from None
        status, headers = started
        if status >= 400 and b"<html" in body[:200].lower():
            raise _not_here(call)
        return Answer(status, headers, body)

    def _has_backend(self, call: Call) -> bool:
        if call.service in ("s3", "s3control"):
            return True
        host = f"http://{call.service}.{call.region}.amazonaws.com"
        return any(pattern.match(host) for _, pattern in self._moto.backend_url_patterns)


def _not_here(call: Call) -> Refused:
    return Refused("NotImplemented", f"{call.operation} is not part of this account", 501)
