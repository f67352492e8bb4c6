"""Detections: ways to stay, and credentials made or abused."""

from __future__ import annotations

from s3ir_tui.trail.details import Details
from s3ir_tui.trail.detections import conditions as if_
from s3ir_tui.trail.detections import granted
from s3ir_tui.trail.detections.rule import CRITICAL, HIGH, INFO, LOW, MEDIUM, Detection, Tactic

_STAY, _KEYS = Tactic.PERSISTENCE, Tactic.CREDENTIALS
_ATTACH = ("AttachUserPolicy", "AttachRolePolicy", "AttachGroupPolicy")
_PUT = ("PutUserPolicy", "PutRolePolicy", "PutGroupPolicy")
_VERSIONS = ("CreatePolicyVersion",)


def _quarantine(details: Details) -> bool:
    return details.text("policyArn").rsplit("/", 1)[-1].startswith("AWSCompromisedKeyQuarantine")


def _without_mfa(details: Details) -> bool:
    event = details.event
    # Role and federated sign-ins always say No: their MFA happened elsewhere.
    return (
        event.kind == "IAMUser"
        and details.extra.get("MFAUsed") == "No"
        and details.answer.get("ConsoleLogin") == "Success"
    )


def _with_mfa(details: Details) -> bool:
    return details.extra.get("MFAUsed") == "Yes" and details.answer.get("ConsoleLogin") == "Success"


def _sign_in_failed(details: Details) -> bool:
    return details.answer.get("ConsoleLogin") == "Failure"


def _by_root(details: Details) -> bool:
    return details.event.kind == "Root"


def _outside_function(details: Details) -> bool:
    who = details.text("principal")
    return (
        who == "*"
        or bool(if_.foreign_accounts_in(f"{who}:", if_.owner(details)))
        or (len(who) == 12 and who.isdigit() and who != if_.owner(details))
    )


def _foreign_layer(details: Details) -> str:
    layers = [str(value) for name, value in if_.leaves(details.params) if name == "layers"]
    return ", ".join(if_.foreign_accounts_in(" ".join(layers), if_.owner(details)))


def _user_data(details: Details) -> bool:
    return "userData" in details.params or details.text("attribute") == "userData"


def _unusual_launch(details: Details) -> str:
    """Machines of the kinds that miners and model thieves want, or many at once."""
    family = details.text("instanceType").partition(".")[0]
    if family.startswith(_GRAPHICS):
        return details.text("instanceType")
    most = if_.leaf(details, "maxCount")
    return f"{most} at once" if most.isdigit() and int(most) >= _MANY_MACHINES else ""


def _decrypting(details: Details) -> bool:
    return details.text("withDecryption") != "false"


_GRAPHICS = ("p2", "p3", "p4", "p5", "p6", "g4", "g5", "g6", "trn", "inf", "dl1", "dl2")
_MANY_MACHINES = 10

RULES = (
    Detection("create-user", MEDIUM, ("CreateUser",), "user {user} made", _STAY, service="iam"),
    Detection(
        "key-for-other",
        HIGH,
        ("CreateAccessKey",),
        "access key made for another user, {user}",
        _STAY,
        if_.for_another,
        "iam",
        routine=True,
    ),
    Detection("key-for-self", MEDIUM, ("CreateAccessKey",), "access key made by a key", _STAY, if_.for_itself, "iam"),
    Detection(
        "login-profile",
        HIGH,
        ("CreateLoginProfile", "UpdateLoginProfile"),
        "console password set for another user, {user}",
        _STAY,
        if_.for_another,
        "iam",
        routine=True,
    ),
    Detection(
        "key-reactivated",
        HIGH,
        ("UpdateAccessKey",),
        "access key switched on again",
        _STAY,
        if_.is_value("status", "Active"),
        "iam",
        routine=True,
    ),
    Detection(
        "admin-attached", CRITICAL, _ATTACH, "policy {what} attached to {user}{role}", _STAY, if_.admin_policy, "iam"
    ),
    Detection(
        "data-attached",
        HIGH,
        _ATTACH,
        "policy {what} attached to user {user}",
        _STAY,
        if_.data_policy,
        "iam",
        routine=True,
    ),
    Detection(
        "admin-put",
        CRITICAL,
        (*_PUT, *_VERSIONS),
        "policy that allows everything given ({name})",
        _STAY,
        if_.all_powerful,
        "iam",
    ),
    Detection(
        "policy-given",
        MEDIUM,
        (*_PUT, *_ATTACH, *_VERSIONS),
        "policy given to {user}{role} ({name})",
        _STAY,
        if_.widening,
        "iam",
    ),
    Detection("contained", INFO, (*_PUT, *_ATTACH), "rights taken from {user}{role}", _STAY, if_.containing, "iam"),
    Detection(
        "uncontained",
        CRITICAL,
        ("DetachUserPolicy", "DeleteUserPolicy", "DetachRolePolicy", "DeleteRolePolicy"),
        "containment undone: {what} removed from {user}{role}",
        _STAY,
        if_.uncontaining,
        "iam",
    ),
    Detection(
        "quarantined",
        CRITICAL,
        ("AttachUserPolicy",),
        "AWS says that a key of {user} leaked",
        _STAY,
        _quarantine,
        "iam",
    ),
    Detection("group-joined", MEDIUM, ("AddUserToGroup",), "user {user} put into a group", _STAY, service="iam"),
    Detection(
        "boundary-removed",
        HIGH,
        ("DeleteUserPermissionsBoundary", "DeleteRolePermissionsBoundary"),
        "rights widened: {name}",
        _STAY,
        service="iam",
        routine=True,
    ),
    Detection(
        "policy-version",
        MEDIUM,
        ("SetDefaultPolicyVersion",),
        "another version of a policy in force",
        _STAY,
        service="iam",
    ),
    Detection(
        "foreign-trust",
        CRITICAL,
        ("UpdateAssumeRolePolicy", "CreateRole"),
        "role {role} may be assumed by {what}",
        _STAY,
        if_.foreign_trust,
        "iam",
    ),
    Detection(
        "trust-open",
        HIGH,
        ("UpdateAssumeRolePolicy", "CreateRole"),
        "role {role} may be assumed by {what}",
        _STAY,
        granted.trust_open,
        "iam",
    ),
    Detection(
        "trust-open-untold",
        HIGH,
        ("UpdateAssumeRolePolicy", "CreateRole"),
        "role {role} may be assumed by {what}, not known as ours",
        _STAY,
        granted.trust_open_untold,
        "iam",
        routine=True,
    ),
    Detection(
        "trust-changed",
        MEDIUM,
        ("UpdateAssumeRolePolicy",),
        "trust of role {role} changed",
        _STAY,
        lambda details: not if_.foreign_trust(details) and not granted.trust_grants(details),
        "iam",
    ),
    Detection(
        "trust-anchor",
        HIGH,
        ("CreateTrustAnchor", "CreateProfile"),
        "sign-in by certificate opened",
        _STAY,
        service="rolesanywhere",
    ),
    Detection(
        "identity-provider",
        HIGH,
        ("CreateSAMLProvider", "UpdateSAMLProvider", "CreateOpenIDConnectProvider"),
        "identity provider set: {name}",
        _STAY,
        service="iam",
    ),
    Detection(
        "function-changed",
        MEDIUM,
        ("UpdateFunctionCode20150331v2", "UpdateFunctionConfiguration20150331v2", "CreateFunctionUrlConfig"),
        "Lambda function changed: {name}",
        _STAY,
        service="lambda",
    ),
    Detection(
        "function-layer",
        HIGH,
        ("UpdateFunctionConfiguration20150331v2", "CreateFunction20150331"),
        "Lambda function runs a layer of account {what}",
        _STAY,
        _foreign_layer,
        "lambda",
    ),
    Detection(
        "function-public",
        HIGH,
        ("CreateFunctionUrlConfig", "UpdateFunctionUrlConfig"),
        "Lambda function opened to everyone",
        _STAY,
        if_.is_value("authType", "NONE"),
        "lambda",
    ),
    Detection(
        "function-shared",
        HIGH,
        ("AddPermission20150331v2",),
        "Lambda function opened to others",
        _STAY,
        _outside_function,
        "lambda",
    ),
    Detection(
        "mfa-removed",
        HIGH,
        ("DeactivateMFADevice", "DeleteVirtualMFADevice"),
        "MFA of {user} removed",
        _STAY,
        service="iam",
        routine=True,
    ),
    Detection(
        "notification-out",
        HIGH,
        ("PutBucketNotification", "PutBucketNotificationConfiguration"),
        "events of {bucket} go to account {what}",
        _STAY,
        if_.foreign_arn,
    ),
    Detection(
        "session-token",
        MEDIUM,
        ("GetSessionToken",),
        "session made from a key: it outlives the key",
        _KEYS,
        service="sts",
    ),
    Detection(
        "federation-token",
        HIGH,
        ("GetFederationToken",),
        "federated session made from a key: it outlives the key",
        _KEYS,
        service="sts",
    ),
    Detection("signin-token", MEDIUM, ("GetSigninToken",), "console opened with temporary credentials", _KEYS),
    Detection("assume-root", HIGH, ("AssumeRoot",), "root session of an account taken", _KEYS, service="sts"),
    Detection("root-login", HIGH, ("ConsoleLogin",), "root user signed in", _KEYS, _by_root),
    Detection("login-without-mfa", HIGH, ("ConsoleLogin",), "console sign-in without MFA", _KEYS, _without_mfa),
    Detection("signed-in", INFO, ("ConsoleLogin",), "console sign-in with MFA", _KEYS, _with_mfa),
    Detection("login-failed", LOW, ("ConsoleLogin",), "console sign-in failed", _KEYS, _sign_in_failed),
    Detection("password-recovery", MEDIUM, ("PasswordRecoveryRequested",), "password recovery asked for", _KEYS),
    Detection(
        "instance-reached",
        MEDIUM,
        ("SendCommand", "StartSession", "SendSSHPublicKey"),
        "way into an instance used: {name}",
        _KEYS,
        lambda details: details.event.service in ("ssm", "ec2-instance-connect"),
    ),
    Detection(
        "instance-console",
        HIGH,
        ("GetPasswordData", "SendSerialConsoleSSHPublicKey", "EnableSerialConsoleAccess"),
        "way into instances used: {name}",
        _KEYS,
    ),
    Detection(
        "user-data-read",
        LOW,
        ("DescribeInstanceAttribute",),
        "user data of an instance read",
        _KEYS,
        if_.is_value("attribute", "userData"),
        "ec2",
    ),
    Detection(
        "user-data-changed",
        MEDIUM,
        ("ModifyInstanceAttribute",),
        "what an instance runs when it starts was changed",
        _KEYS,
        _user_data,
        "ec2",
    ),
    Detection(
        "instances-launched", MEDIUM, ("RunInstances",), "instances launched: {what}", _KEYS, _unusual_launch, "ec2"
    ),
    Detection(
        "imds-weakened",
        HIGH,
        ("ModifyInstanceMetadataOptions",),
        "instance metadata opened to version 1",
        _KEYS,
        if_.is_value("httpTokens", "optional"),
        "ec2",
    ),
    Detection(
        "profile-changed",
        MEDIUM,
        ("AssociateIamInstanceProfile", "ReplaceIamInstanceProfileAssociation"),
        "role of an instance changed",
        _KEYS,
        service="ec2",
    ),
    Detection("secrets-read", LOW, ("GetSecretValue",), "secret read", _KEYS, service="secretsmanager"),
    Detection(
        "secrets-read-at-once",
        MEDIUM,
        ("BatchGetSecretValue",),
        "several secrets read at once",
        _KEYS,
        service="secretsmanager",
    ),
    Detection(
        "parameters-read",
        LOW,
        ("GetParameter", "GetParameters", "GetParametersByPath"),
        "parameters read, secret ones decrypted",
        _KEYS,
        _decrypting,
        "ssm",
    ),
    Detection(
        "parameters-listed",
        LOW,
        ("DescribeParameters",),
        "looks through the parameter store",
        Tactic.RECON,
        service="ssm",
    ),
    Detection(
        "model-access",
        MEDIUM,
        ("PutUseCaseForModelAccess", "PutFoundationModelEntitlement", "CreateFoundationModelAgreement"),
        "access to foundation models taken: {name}",
        _KEYS,
        service="bedrock",
    ),
)
