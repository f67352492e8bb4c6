"""Every row of the page of detections: the rule that it became, an event that fires it, one alike that does not."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import pytest
from trail_world import (
    ACCOUNT,
    ANONYMOUS,
    BOTO,
    OUTSIDE,
    OUTSIDER,
    allow,
    event,
    policy,
    put_policy,
    read,
    session,
    user,
)

from s3ir_tui.model import Severity
from s3ir_tui.trail.analysis import Analysis
from s3ir_tui.trail.detections import RULES, judge
from s3ir_tui.trail.event import Event

OUT = {"AWS": f"arn:aws:iam::{OUTSIDE}:root"}
OWN = {"AWS": f"arn:aws:iam::{ACCOUNT}:role/app"}
KMS_OUT, KMS_OWN = (f"arn:aws:kms:us-east-1:{account}:key/1" for account in (OUTSIDE, ACCOUNT))
BLOCK = {"BlockPublicAcls": True, "IgnorePublicAcls": True, "BlockPublicPolicy": True, "RestrictPublicBuckets": True}
LOWERED = BLOCK | {"RestrictPublicBuckets": False}
FROM_ADDRESS = allow("*") | {"Condition": {"IpAddress": {"aws:SourceIp": "198.51.100.7/32"}}}
FROM_OWN_ACCOUNT = allow("*") | {"Condition": {"StringEquals": {"aws:PrincipalAccount": ACCOUNT}}}
OF_ORGANIZATION = allow("*") | {"Condition": {"StringEquals": {"aws:PrincipalOrgID": "o-stranger00"}}}
DELIVERY = allow({"Service": "cloudtrail.amazonaws.com"}) | {"Action": "s3:PutObject"}
BY_OWN_TRAIL = {"Condition": {"StringEquals": {"aws:SourceAccount": ACCOUNT}}}
PROVIDER_OUT = f"arn:aws:iam::{OUTSIDE}:saml-provider/login"
PROVIDER_OWN = f"arn:aws:iam::{ACCOUNT}:saml-provider/login"
COGNITO = "cognito-identity.amazonaws.com"
OF_POOL = {"Condition": {"StringEquals": {f"{COGNITO}:aud": "eu-central-1:pool"}}}


def trusted(principal: Any, **more: Any) -> dict[str, Any]:
    return {"Effect": "Allow", "Principal": principal, "Action": "sts:AssumeRoleWithWebIdentity"} | more


class Nothing:
    """Nothing is known beside the event, but where CloudTrail delivers."""

    def standing(self, principal: str) -> Severity:
        return Severity.INFO

    def keeps_logs(self, bucket: str) -> bool:
        return bucket == "trail-logs"


def s3(name: str, who: Any = None, **params: Any) -> Event:
    return event(name, who, bucket="payroll", params=params)


def of(service: str, name: str, **params: Any) -> Event:
    return event(name, service=service, params=params)


def iam(name: str, **params: Any) -> Event:
    return of("iam", name, **params)


def doc(*statements: Any) -> str:
    return json.dumps(policy(*statements))


def gives(action: Any) -> str:
    return doc({"Effect": "Allow", "Action": action, "Resource": "*"})


def trust(principal: Any) -> str:
    return doc({"Effect": "Allow", "Principal": principal, "Action": "sts:AssumeRole"})


def lifecycle(**rule: Any) -> Event:
    return s3("PutBucketLifecycle", LifecycleConfiguration={"Rule": {"Status": "Enabled"} | rule})


def encryption(**rule: Any) -> Event:
    return s3("PutBucketEncryption", ServerSideEncryptionConfiguration={"Rule": rule})


def resources(*accounts: str) -> list[dict[str, str]]:
    return [{"type": "AWS::S3::Bucket", "ARN": f"arn:aws:s3:::b{n}", "accountId": a} for n, a in enumerate(accounts)]


def login(who: Any, *, mfa: str = "Yes", outcome: str = "Success") -> Event:
    return event(
        "ConsoleLogin",
        who,
        service="signin",
        answer={"ConsoleLogin": outcome},
        additionalEventData={"MFAUsed": mfa},
    )


def network(who: Any = None, **more: Any) -> Event:
    given = {"address": "10.0.4.17", "eventCategory": "NetworkActivity", "eventType": "AwsVpceEvent"} | more
    return event("GetObject", who, bucket="payroll", key="k", **given)


SECRET = "x-amz-server-side-encryption-customer-algorithm"
KMS_HEADER = "x-amz-server-side-encryption-aws-kms-key-id"
ROOT = {"type": "Root", "arn": f"arn:aws:iam::{ACCOUNT}:root", "accountId": ACCOUNT}


@dataclass(frozen=True)
class Row:
    """A row, or a part of one: its rule, what fires it, what is alike and does not."""

    names: str
    rule: str
    fires: Event
    alike: Event


ROWS = (
    # 1. Exposure changes
    Row("PutBucketPolicy", "bucket-policy-public", put_policy(allow("*")), put_policy(allow(OWN))),
    Row("PutBucketPolicy", "bucket-policy-foreign", put_policy(allow(OUT)), put_policy(allow({"Service": "x"}))),
    Row(
        "PutBucketPolicy",
        "bucket-policy-write",
        put_policy(allow(OUT) | {"Action": "s3:PutObject"}),
        put_policy(allow(OUT) | {"Action": ["s3:PutObject", "s3:GetObject"]}),
    ),
    Row("PutBucketPolicy", "bucket-policy-open", put_policy(FROM_ADDRESS), put_policy(FROM_OWN_ACCOUNT)),
    Row("PutBucketPolicy", "bucket-policy-open-untold", put_policy(OF_ORGANIZATION), put_policy(FROM_OWN_ACCOUNT)),
    Row("PutBucketPolicy", "bucket-policy-delivery", put_policy(DELIVERY), put_policy(DELIVERY | BY_OWN_TRAIL)),
    Row("DeleteBucketPolicy", "bucket-policy-deleted", s3("DeleteBucketPolicy"), s3("GetBucketPolicy")),
    Row(
        "PutBucketAcl",
        "bucket-acl-public",
        s3("PutBucketAcl", **{"x-amz-acl": "authenticated-read"}),
        s3("PutBucketAcl", **{"x-amz-acl": "log-delivery-write"}),
    ),
    Row(
        "PutObjectAcl",
        "object-acl-public",
        s3("PutObjectAcl", **{"x-amz-acl": "public-read"}),
        s3("PutObjectAcl", **{"x-amz-acl": "bucket-owner-full-control"}),
    ),
    Row(
        "PutBucketPublicAccessBlock",
        "bucket-block-lowered",
        s3("PutBucketPublicAccessBlock", PublicAccessBlockConfiguration=LOWERED),
        s3("PutBucketPublicAccessBlock", PublicAccessBlockConfiguration=BLOCK),
    ),
    Row(
        "DeleteBucketPublicAccessBlock",
        "bucket-block-deleted",
        s3("DeleteBucketPublicAccessBlock"),
        s3("GetBucketPublicAccessBlock"),
    ),
    Row(
        "PutAccountPublicAccessBlock",
        "account-block-lowered",
        of("s3", "PutAccountPublicAccessBlock", PublicAccessBlockConfiguration=LOWERED),
        of("s3", "PutAccountPublicAccessBlock", PublicAccessBlockConfiguration=BLOCK),
    ),
    Row(
        "DeleteAccountPublicAccessBlock",
        "account-block-deleted",
        of("s3", "DeleteAccountPublicAccessBlock"),
        of("s3", "GetAccountPublicAccessBlock"),
    ),
    Row(
        "PutBucketOwnershipControls",
        "acls-return",
        s3("PutBucketOwnershipControls", OwnershipControls={"Rule": {"ObjectOwnership": "ObjectWriter"}}),
        s3("PutBucketOwnershipControls", OwnershipControls={"Rule": {"ObjectOwnership": "BucketOwnerEnforced"}}),
    ),
    Row(
        "DeleteBucketOwnershipControls",
        "ownership-deleted",
        s3("DeleteBucketOwnershipControls"),
        s3("GetBucketOwnershipControls"),
    ),
    Row("PutBucketWebsite", "website", s3("PutBucketWebsite"), s3("DeleteBucketWebsite")),
    Row(
        "PutBucketCors",
        "cors-open",
        s3("PutBucketCors", CORSConfiguration={"CORSRule": {"AllowedOrigin": "*"}}),
        s3("PutBucketCors", CORSConfiguration={"CORSRule": {"AllowedOrigin": "https://example.com"}}),
    ),
    Row(
        "PutAccessPointPolicy",
        "access-point-policy-foreign",
        s3("PutAccessPointPolicy", policy=doc(allow(OUT))),
        s3("PutAccessPointPolicy", policy=doc(allow(OWN))),
    ),
    Row(
        "PutAccessPointPolicy",
        "access-point-policy-open",
        s3("PutAccessPointPolicy", policy=doc(FROM_ADDRESS)),
        s3("PutAccessPointPolicy", policy=doc(FROM_OWN_ACCOUNT)),
    ),
    Row(
        "PutAccessPointPolicy",
        "access-point-policy-open-untold",
        s3("PutAccessPointPolicy", policy=doc(OF_ORGANIZATION)),
        s3("PutAccessPointPolicy", policy=doc(FROM_OWN_ACCOUNT)),
    ),
    Row(
        "CreateRole, UpdateAssumeRolePolicy",
        "trust-open",
        iam("UpdateAssumeRolePolicy", roleName="r", policyDocument=doc(trusted({"Federated": PROVIDER_OUT}))),
        iam("UpdateAssumeRolePolicy", roleName="r", policyDocument=doc(trusted({"Federated": PROVIDER_OWN}))),
    ),
    Row(
        "CreateRole, UpdateAssumeRolePolicy",
        "trust-open-untold",
        iam("CreateRole", roleName="r", assumeRolePolicyDocument=doc(trusted({"Federated": COGNITO}, **OF_POOL))),
        iam("CreateRole", roleName="r", assumeRolePolicyDocument=doc(trusted({"Service": "ec2.amazonaws.com"}))),
    ),
    Row(
        "CreateAccessPoint",
        "access-point-unblocked",
        s3("CreateAccessPoint", PublicAccessBlockConfiguration=LOWERED),
        s3("CreateAccessPoint", PublicAccessBlockConfiguration=BLOCK),
    ),
    Row("CreateAccessPoint, DeleteAccessPointPolicy", "access-point", s3("CreateAccessPoint"), s3("GetAccessPoint")),
    Row(
        "PutMultiRegionAccessPointPolicy",
        "access-point-policy-public",
        s3("PutMultiRegionAccessPointPolicy", request={"Details": {"Name": "m", "Policy": doc(allow("*"))}}),
        s3("PutMultiRegionAccessPointPolicy", request={"Details": {"Name": "m", "Policy": doc(allow(OWN))}}),
    ),
    Row(
        "SubmitMultiRegionAccessPointRoutes",
        "access-point",
        s3("SubmitMultiRegionAccessPointRoutes"),
        s3("GetMultiRegionAccessPointRoutes"),
    ),
    Row(
        "CreateAccessPointForObjectLambda and its kin",
        "access-point",
        s3("PutAccessPointConfigurationForObjectLambda"),
        s3("GetAccessPointConfigurationForObjectLambda"),
    ),
    Row("CreateAccessGrant and its kin", "access-grant", s3("CreateAccessGrant"), s3("GetAccessGrant")),
    Row(
        "GetDataAccess",
        "access-grant-used-outside",
        s3("GetDataAccess", OUTSIDER),
        s3("GetDataAccess"),
    ),
    Row(
        "CreateDistribution",
        "distribution",
        of("cloudfront", "CreateDistribution", origin="payroll.s3.us-east-1.amazonaws.com"),
        of("cloudfront", "CreateDistribution", origin="www.example.com"),
    ),
    # 2. Exfiltration
    Row("GetObject of a secret", "secret-read", read(key="home/.aws/credentials"), read(key="home/report.csv")),
    Row("GetObject by anonymous", "anonymous-read", read(ANONYMOUS), read(OUTSIDER)),
    Row("ListObjects by anonymous", "anonymous-list", s3("ListObjects", ANONYMOUS), s3("ListObjects")),
    Row("PutObject by anonymous", "anonymous-write", s3("PutObject", ANONYMOUS), s3("PutObject")),
    Row("HeadObject by anonymous", "anonymous-look", s3("HeadObject", ANONYMOUS), s3("HeadObject")),
    Row("ListObjectVersions", "versions-listed", s3("ListObjectVersions"), s3("ListObjects")),
    Row(
        "CopyObject across accounts",
        "copy-across-accounts",
        event("CopyObject", bucket="payroll", resources=resources(ACCOUNT, OUTSIDE)),
        event("CopyObject", bucket="payroll", resources=resources(ACCOUNT, ACCOUNT)),
    ),
    Row("SelectObjectContent, GetObjectTorrent", "select", s3("SelectObjectContent"), s3("GetObject")),
    Row("RestoreObject", "restore", s3("RestoreObject"), s3("HeadObject")),
    Row(
        "PutBucketReplication",
        "replication-out",
        s3("PutBucketReplication", ReplicationConfiguration={"Rule": {"Destination": {"Account": OUTSIDE}}}),
        s3("PutBucketReplication", ReplicationConfiguration={"Rule": {"Destination": {"Account": ACCOUNT}}}),
    ),
    Row("CreateJob / JobCreated", "batch-job", s3("JobCreated"), of("glue", "CreateJob")),
    Row(
        "PutBucketInventoryConfiguration",
        "inventory-out",
        s3("PutBucketInventoryConfiguration", InventoryConfiguration={"AccountId": OUTSIDE, "Account": OUTSIDE}),
        s3("PutBucketInventoryConfiguration", InventoryConfiguration={"Account": ACCOUNT}),
    ),
    Row("DataSync", "datasync", of("datasync", "CreateLocationS3"), of("datasync", "DescribeTask")),
    Row("DataSync started", "datasync-started", of("datasync", "StartTaskExecution"), of("datasync", "ListTasks")),
    Row("exports", "export", of("rds", "StartExportTask"), of("rds", "DescribeExportTasks")),
    Row(
        "presigned URL use",
        "presigned",
        read(additionalEventData={"AuthenticationMethod": "QueryString"}),
        read(additionalEventData={"AuthenticationMethod": "AuthHeader"}),
    ),
    Row("network activity: principal", "endpoint-outsider", network(OUTSIDER), network()),
    Row("network activity: address", "endpoint-address", network(address="203.0.113.7"), network(address="10.9.9.9")),
    Row(
        "network activity: denied",
        "endpoint-denied",
        network(error="VpceAccessDenied"),
        read(error="VpceAccessDenied"),
    ),
    # 3. Destruction
    Row("DeleteObjects", "delete-objects", s3("DeleteObjects"), s3("DeleteObject")),
    Row("DeleteObject", "version-deleted", s3("DeleteObject", versionId="null"), s3("DeleteObject")),
    Row("DeleteBucket", "delete-bucket", s3("DeleteBucket"), s3("CreateBucket")),
    Row(
        "PutBucketLifecycle",
        "lifecycle-short",
        lifecycle(Expiration={"Days": 1}),
        lifecycle(Expiration={"Days": 90}),
    ),
    Row(
        "PutBucketLifecycle: moving is not deleting",
        "lifecycle-short",
        lifecycle(NoncurrentVersionExpiration={"NoncurrentDays": 1}),
        lifecycle(Transition={"Days": 0, "StorageClass": "INTELLIGENT_TIERING"}),
    ),
    Row(
        "PutBucketLifecycle: a part",
        "lifecycle-short-part",
        lifecycle(Expiration={"Days": 1}, Filter={"Prefix": "tmp/"}),
        lifecycle(Expiration={"Days": 1}, Filter={"Prefix": ""}),
    ),
    Row("DeleteBucketLifecycle", "lifecycle-deleted", s3("DeleteBucketLifecycle"), s3("GetBucketLifecycle")),
    Row(
        "PutBucketVersioning",
        "versioning-suspended",
        s3("PutBucketVersioning", VersioningConfiguration={"Status": "Suspended"}),
        s3("PutBucketVersioning", VersioningConfiguration={"Status": "Enabled"}),
    ),
    Row(
        "PutBucketVersioning: MFA delete",
        "mfa-delete-off",
        s3("PutBucketVersioning", VersioningConfiguration={"Status": "Enabled", "MfaDelete": "Disabled"}),
        s3("PutBucketVersioning", VersioningConfiguration={"Status": "Enabled", "MfaDelete": "Enabled"}),
    ),
    Row(
        "PutBucketObjectLockConfiguration",
        "object-lock-removed",
        s3("PutBucketObjectLockConfiguration", ObjectLockConfiguration={"ObjectLockEnabled": "Enabled"}),
        s3(
            "PutBucketObjectLockConfiguration",
            ObjectLockConfiguration={"Rule": {"DefaultRetention": {"Mode": "COMPLIANCE", "Days": 30}}},
        ),
    ),
    Row(
        "PutBucketObjectLockConfiguration: shortened",
        "object-lock-changed",
        s3(
            "PutBucketObjectLockConfiguration",
            ObjectLockConfiguration={"Rule": {"DefaultRetention": {"Mode": "GOVERNANCE", "Days": 1}}},
        ),
        s3("GetBucketObjectLockConfiguration"),
    ),
    Row(
        "PutObjectRetention",
        "retention-bypassed",
        s3("PutObjectRetention", **{"x-amz-bypass-governance-retention": "true"}),
        s3("PutObjectRetention"),
    ),
    Row(
        "PutObjectLegalHold",
        "legal-hold-off",
        s3("PutObjectLegalHold", LegalHold={"Status": "OFF"}),
        s3("PutObjectLegalHold", LegalHold={"Status": "ON"}),
    ),
    Row("DeleteBucketReplication", "replication-deleted", s3("DeleteBucketReplication"), s3("GetBucketReplication")),
    Row("DeleteBucketCors and its kin", "settings-deleted", s3("DeleteBucketTagging"), s3("PutBucketTagging")),
    Row("backup", "backup-deleted", of("backup", "DeleteRecoveryPoint"), of("backup", "StartBackupJob")),
    # 4. Ransom by encryption
    Row("CopyObject under SSE-C", "encrypted-copy", s3("CopyObject", **{SECRET: "AES256"}), s3("CopyObject")),
    Row("PutObject under SSE-C", "encrypted-write", s3("PutObject", **{SECRET: "AES256"}), s3("PutObject")),
    Row(
        "UploadPart under SSE-C",
        "encrypted-write",
        event("UploadPart", bucket="payroll", key="k", additionalEventData={"SSEApplied": "SSE_C"}),
        event("UploadPart", bucket="payroll", key="k", additionalEventData={"SSEApplied": "Default_SSE_S3"}),
    ),
    Row(
        "CopyObject under a foreign key",
        "foreign-kms-key",
        s3("CopyObject", **{KMS_HEADER: KMS_OUT}),
        s3("CopyObject", **{KMS_HEADER: KMS_OWN}),
    ),
    Row("UpdateObjectEncryption", "re-encrypted", s3("UpdateObjectEncryption"), s3("PutObjectTagging")),
    Row(
        "UpdateObjectEncryption to a foreign key",
        "foreign-kms-key",
        s3("UpdateObjectEncryption", ObjectEncryption={"SSE-KMS": {"KMSKeyArn": KMS_OUT}}),
        s3("UpdateObjectEncryption", ObjectEncryption={"SSE-KMS": {"KMSKeyArn": KMS_OWN}}),
    ),
    Row(
        "PutBucketEncryption: foreign key",
        "foreign-kms-key",
        encryption(ApplyServerSideEncryptionByDefault={"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": KMS_OUT}),
        encryption(ApplyServerSideEncryptionByDefault={"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": KMS_OWN}),
    ),
    Row(
        "PutBucketEncryption: BlockedEncryptionTypes",
        "customer-keys-unblocked",
        encryption(BlockedEncryptionTypes={"EncryptionType": ["NONE"]}),
        encryption(BlockedEncryptionTypes={"EncryptionType": ["SSE-C"]}),
    ),
    Row("DeleteBucketEncryption", "encryption-deleted", s3("DeleteBucketEncryption"), s3("GetBucketEncryption")),
    Row(
        "a ransom note",
        "ransom-note",
        event("PutObject", bucket="payroll", key="HOW_TO_RESTORE_FILES.txt"),
        event("PutObject", bucket="payroll", key="docs/how-to-use.txt"),
    ),
    Row(
        "CreateKey",
        "key-from-outside",
        of("kms", "CreateKey", origin="EXTERNAL"),
        of("kms", "CreateKey", origin="AWS_KMS"),
    ),
    Row("key material", "key-material", of("kms", "DeleteImportedKeyMaterial"), of("kms", "GetParametersForImport")),
    Row("key taken away", "key-destroyed", of("kms", "ScheduleKeyDeletion"), of("kms", "CancelKeyDeletion")),
    Row(
        "PutKeyPolicy: outsider",
        "key-given-away",
        of("kms", "PutKeyPolicy", policy=doc(allow(OUT), allow({"AWS": f"arn:aws:iam::{ACCOUNT}:root"}))),
        of("kms", "PutKeyPolicy", policy=doc(allow({"AWS": f"arn:aws:iam::{ACCOUNT}:root"}))),
    ),
    Row(
        "PutKeyPolicy: locked out",
        "key-locked-out",
        of("kms", "PutKeyPolicy", policy=doc(allow(OWN))),
        of("kms", "PutKeyPolicy", policy=doc(allow({"AWS": f"arn:aws:iam::{ACCOUNT}:root"}))),
    ),
    Row(
        "CreateGrant",
        "key-given-away",
        of("kms", "CreateGrant", granteePrincipal=f"arn:aws:iam::{OUTSIDE}:role/x"),
        of("kms", "CreateGrant", granteePrincipal=f"arn:aws:iam::{ACCOUNT}:role/x"),
    ),
    Row(
        "Encrypt, GenerateDataKeyWithoutPlaintext",
        "foreign-key-used",
        of("kms", "GenerateDataKeyWithoutPlaintext", keyId=KMS_OUT),
        of("kms", "GenerateDataKeyWithoutPlaintext", keyId=KMS_OWN),
    ),
    # 5. Persistence
    Row(
        "PutBucketNotification",
        "notification-out",
        s3("PutBucketNotification", NotificationConfiguration={"Queue": f"arn:aws:sqs:us-east-1:{OUTSIDE}:q"}),
        s3("PutBucketNotification", NotificationConfiguration={"Queue": f"arn:aws:sqs:us-east-1:{ACCOUNT}:q"}),
    ),
    Row(
        "PutBucketLogging: target",
        "access-logging-set",
        s3("PutBucketLogging", BucketLoggingStatus={"LoggingEnabled": {"TargetBucket": "logs"}}),
        s3("GetBucketLogging"),
    ),
    Row("CreateUser", "create-user", iam("CreateUser", userName="x"), iam("GetUser", userName="x")),
    Row(
        "CreateAccessKey",
        "key-for-other",
        iam("CreateAccessKey", userName="alice"),
        iam("CreateAccessKey", userName="bob"),
    ),
    Row(
        "CreateLoginProfile",
        "login-profile",
        iam("UpdateLoginProfile", userName="alice"),
        iam("UpdateLoginProfile", userName="bob"),
    ),
    Row(
        "UpdateAccessKey",
        "key-reactivated",
        iam("UpdateAccessKey", status="Active"),
        iam("UpdateAccessKey", status="Inactive"),
    ),
    Row(
        "AttachUserPolicy",
        "admin-attached",
        iam("AttachUserPolicy", userName="x", policyArn="arn:aws:iam::aws:policy/AdministratorAccess"),
        iam("AttachUserPolicy", userName="x", policyArn="arn:aws:iam::aws:policy/ReadOnlyAccess"),
    ),
    Row(
        "AttachUserPolicy: all of S3",
        "data-attached",
        iam("AttachUserPolicy", userName="x", policyArn="arn:aws:iam::aws:policy/AmazonS3FullAccess"),
        iam("AttachRolePolicy", roleName="x", policyArn="arn:aws:iam::aws:policy/AmazonS3FullAccess"),
    ),
    Row(
        "PutRolePolicy",
        "admin-put",
        iam("PutRolePolicy", roleName="x", policyDocument=gives("*")),
        iam("PutRolePolicy", roleName="x", policyDocument=gives("s3:GetObject")),
    ),
    Row(
        "PutGroupPolicy, CreatePolicyVersion",
        "policy-given",
        iam("CreatePolicyVersion", policyDocument=gives("s3:GetObject")),
        iam("PutGroupPolicy", policyDocument=doc({"Effect": "Deny", "Action": "*", "Resource": "*"})),
    ),
    Row("AddUserToGroup", "group-joined", iam("AddUserToGroup", userName="x"), iam("RemoveUserFromGroup")),
    Row("SetDefaultPolicyVersion", "policy-version", iam("SetDefaultPolicyVersion"), iam("ListPolicyVersions")),
    Row(
        "DeleteUserPermissionsBoundary",
        "boundary-removed",
        iam("DeleteUserPermissionsBoundary"),
        iam("PutUserPermissionsBoundary"),
    ),
    Row(
        "UpdateAssumeRolePolicy, CreateRole",
        "foreign-trust",
        iam("UpdateAssumeRolePolicy", roleName="x", policyDocument=trust(OUT)),
        iam("UpdateAssumeRolePolicy", roleName="x", policyDocument=trust(OWN)),
    ),
    Row(
        "Roles Anywhere",
        "trust-anchor",
        of("rolesanywhere", "CreateTrustAnchor"),
        of("rolesanywhere", "ListTrustAnchors"),
    ),
    Row("identity providers", "identity-provider", iam("CreateSAMLProvider"), iam("ListSAMLProviders")),
    Row(
        "AddPermission20150331v2",
        "function-shared",
        of("lambda", "AddPermission20150331v2", principal=OUTSIDE),
        of("lambda", "AddPermission20150331v2", principal="s3.amazonaws.com"),
    ),
    Row(
        "UpdateFunctionCode20150331v2",
        "function-changed",
        of("lambda", "UpdateFunctionCode20150331v2"),
        of("lambda", "GetFunction20150331v2"),
    ),
    Row(
        "UpdateFunctionConfiguration20150331v2",
        "function-layer",
        of("lambda", "UpdateFunctionConfiguration20150331v2", layers=[f"arn:aws:lambda:eu-west-1:{OUTSIDE}:layer:x:1"]),
        of("lambda", "UpdateFunctionConfiguration20150331v2", layers=[f"arn:aws:lambda:eu-west-1:{ACCOUNT}:layer:x:1"]),
    ),
    Row(
        "CreateFunctionUrlConfig",
        "function-public",
        of("lambda", "CreateFunctionUrlConfig", authType="NONE"),
        of("lambda", "CreateFunctionUrlConfig", authType="AWS_IAM"),
    ),
    Row("DeactivateMFADevice", "mfa-removed", iam("DeactivateMFADevice", userName="x"), iam("EnableMFADevice")),
    # 6. Credential abuse
    Row("GetCallerIdentity", "who-am-i", of("sts", "GetCallerIdentity"), of("sts", "DecodeAuthorizationMessage")),
    Row("AssumeRoot", "assume-root", of("sts", "AssumeRoot"), of("sts", "AssumeRole")),
    Row("GetSessionToken", "session-token", of("sts", "GetSessionToken"), of("sts", "GetAccessKeyInfo")),
    Row("GetFederationToken", "federation-token", of("sts", "GetFederationToken"), of("sts", "GetAccessKeyInfo")),
    Row("GetSigninToken", "signin-token", of("signin", "GetSigninToken"), of("signin", "CheckMfa")),
    Row("ConsoleLogin of root", "root-login", login(ROOT), login(user())),
    Row("ConsoleLogin without MFA", "login-without-mfa", login(user(), mfa="No"), login(user())),
    Row("ConsoleLogin that failed", "login-failed", login(user(), outcome="Failure"), login(user())),
    Row(
        "PasswordRecoveryRequested",
        "password-recovery",
        of("signin", "PasswordRecoveryRequested"),
        of("signin", "PasswordUpdated"),
    ),
    Row(
        "AWSCompromisedKeyQuarantine",
        "quarantined",
        iam("AttachUserPolicy", userName="x", policyArn="arn:aws:iam::aws:policy/AWSCompromisedKeyQuarantineV2"),
        iam("AttachUserPolicy", userName="x", policyArn="arn:aws:iam::aws:policy/AWSDenyAll"),
    ),
    Row("SendCommand, StartSession", "instance-reached", of("ssm", "SendCommand"), of("ssm", "ListCommands")),
    Row("GetPasswordData", "instance-console", of("ec2", "GetPasswordData"), of("ec2", "GetConsoleOutput")),
    Row(
        "DescribeInstanceAttribute(userData)",
        "user-data-read",
        of("ec2", "DescribeInstanceAttribute", attribute="userData"),
        of("ec2", "DescribeInstanceAttribute", attribute="instanceType"),
    ),
    Row(
        "ModifyInstanceMetadataOptions",
        "imds-weakened",
        of("ec2", "ModifyInstanceMetadataOptions", ModifyInstanceMetadataOptionsRequest={"HttpTokens": "optional"}),
        of("ec2", "ModifyInstanceMetadataOptions", ModifyInstanceMetadataOptionsRequest={"HttpTokens": "required"}),
    ),
    Row(
        "AssociateIamInstanceProfile",
        "profile-changed",
        of("ec2", "ReplaceIamInstanceProfileAssociation"),
        of("ec2", "DescribeIamInstanceProfileAssociations"),
    ),
    # 7. Logging and detection tampering
    Row(
        "StopLogging, DeleteTrail", "logging-stopped", of("cloudtrail", "StopLogging"), of("cloudtrail", "StartLogging")
    ),
    Row(
        "UpdateTrail", "trail-changed", of("cloudtrail", "UpdateTrail", s3BucketName="t"), of("cloudtrail", "GetTrail")
    ),
    Row(
        "UpdateTrail: what",
        "trail-weakened",
        of("cloudtrail", "UpdateTrail", isMultiRegionTrail=False),
        of("cloudtrail", "UpdateTrail", isMultiRegionTrail=True),
    ),
    Row(
        "PutEventSelectors",
        "selectors-off",
        of("cloudtrail", "PutEventSelectors", eventSelectors=[{"includeManagementEvents": False}]),
        of("cloudtrail", "PutEventSelectors", eventSelectors=[{"includeManagementEvents": True}]),
    ),
    Row(
        "PutInsightSelectors and its kin",
        "trail-tampered",
        of("cloudtrail", "PutEventConfiguration"),
        of("cloudtrail", "GetEventConfiguration"),
    ),
    Row(
        "PutBucketLogging",
        "access-logging-off",
        s3("PutBucketLogging", BucketLoggingStatus=""),
        s3("PutBucketLogging", BucketLoggingStatus={"LoggingEnabled": {"TargetBucket": "logs"}}),
    ),
    Row(
        "changes on a log bucket",
        "log-bucket",
        event("DeleteObject", bucket="trail-logs", key="AWSLogs/x"),
        event("DeleteObject", bucket="payroll", key="AWSLogs/x"),
    ),
    Row("GuardDuty", "guardduty-tampered", of("guardduty", "DeleteDetector"), of("guardduty", "CreateDetector")),
    Row("GuardDuty filters", "guardduty-changed", of("guardduty", "ArchiveFindings"), of("guardduty", "GetFindings")),
    Row(
        "UpdateDetector",
        "detector-off",
        of("guardduty", "UpdateDetector", enable=False),
        of("guardduty", "UpdateDetector", enable=True),
    ),
    Row("Config", "config-tampered", of("config", "StopConfigurationRecorder"), of("config", "PutConfigRule")),
    Row("Macie and its kin", "detection-tampered", of("macie2", "DisableMacie"), of("macie2", "EnableMacie")),
    Row(
        "UpdateMacieSession",
        "macie-paused",
        of("macie2", "UpdateMacieSession", status="PAUSED"),
        of("macie2", "UpdateMacieSession", status="ENABLED"),
    ),
    Row("UpdateFindings", "findings-changed", of("securityhub", "UpdateFindings"), of("securityhub", "GetFindings")),
    Row(
        "DeleteLogGroup",
        "log-group-cut",
        of("logs", "DeleteLogGroup", logGroupName="/aws/cloudtrail/all"),
        of("logs", "DeleteLogGroup", logGroupName="/aws/lambda/resize"),
    ),
    Row(
        "PutRetentionPolicy",
        "retention-short",
        of("logs", "PutRetentionPolicy", retentionInDays=1),
        of("logs", "PutRetentionPolicy", retentionInDays=365),
    ),
    Row("DeleteFlowLogs and its kin", "logs-deleted", of("ec2", "DeleteFlowLogs"), of("ec2", "DescribeFlowLogs")),
    Row("EventBridge", "rule-off", of("events", "DisableRule"), of("events", "EnableRule")),
    Row(
        "LeaveOrganization",
        "organization-left",
        of("organizations", "LeaveOrganization"),
        of("organizations", "DescribeOrganization"),
    ),
    Row(
        "DetachPolicy, DisablePolicyType",
        "organization-policy",
        of("organizations", "DetachPolicy"),
        of("organizations", "AttachPolicy"),
    ),
    # 8. Recon
    Row("ListBuckets", "list-buckets", of("s3", "ListBuckets"), of("s3", "CreateBucket")),
    Row("GetBucketAcl and its kin", "bucket-settings", s3("GetBucketVersioning"), s3("GetBucketTagging")),
    Row(
        "GetAccountPublicAccessBlock and its kin",
        "bucket-settings",
        of("s3", "GetStorageLensConfiguration"),
        of("s3", "GetBucketMetricsConfiguration"),
    ),
    Row("LookupEvents and its kin", "trail-looked-at", of("cloudtrail", "LookupEvents"), of("cloudtrail", "ListTags")),
    Row("ListKeys and its kin", "keys-listed", of("kms", "ListKeys"), of("kms", "DescribeKey")),
    Row("ListUsers and its kin", "iam-listed", iam("ListUsers"), iam("GetUser")),
    Row("ListRolePolicies and its kin", "iam-looked-at", iam("ListRolePolicies"), iam("GetRole")),
)

WITHOUT_RULE = {
    "HeadObject, GetObjectAttributes, GetObjectTagging, GetObjectAcl": "everyday calls: LOW from a suspect (judge)",
    "ListObjects": "everyday call: counted, MEDIUM from a suspect (judge), and a sign after ListBuckets (suspicion)",
    "GetObject in a burst, DeleteObject in a burst": "not one event: bulk-read and bulk-delete of suspicion",
    "a new principal, network, program or operation": "not one event: novelty",
    "any event with an uncommon user agent": "not one event: agent-* of suspicion; `s3.sync` is an everyday program",
    "AbortMultipartUpload": "tells nothing alone",
    "Decrypt, GenerateDataKey": "daily calls of every service: the shadow log of reads in kms",
    "any, AssumedRole of an instance": "not one event: instance-* of suspicion",
    "same access key from two networks": "not one event: key-at-two-places of suspicion",
    "AssumeRole and its kin": "daily calls: the lineage follows them, and hands suspicion down",
    "GetBucketLogging, GetBucketReplication, ...": "services and scanners all day: LOW from a suspect (judge)",
    "HeadBucket, many AccessDenied": "not one event: turned-away of suspicion",
    "DescribeInstances, DescribeInstanceInformation": "everyday calls: LOW from a suspect (judge)",
}


def found(item: Event) -> set[str]:
    return {finding.name for finding in judge(item, Nothing()).findings}


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row.rule}: {row.names}")
def test_a_row_fires_and_what_is_alike_does_not(row: Row) -> None:
    names = {name.removesuffix("-tried") for name in found(row.fires)}
    assert row.rule in names
    assert row.rule not in {name.removesuffix("-tried") for name in found(row.alike)}


def test_every_rule_belongs_to_a_row() -> None:
    beyond = {
        # Not of the page: sharing of images, ways to run code, secrets beside S3, access to models.
        "shared-image",
        "instances-launched",
        "user-data-changed",
        "port-opened",
        "secrets-read",
        "secrets-read-at-once",
        "parameters-read",
        "parameters-listed",
        "model-access",
        # The other half of a rule that has a row.
        "acls-return-owner",
        "access-grant-used",
        "bucket-policy-changed",
        "contained",
        "created-public",
        "detector-changed",
        "key-for-self",
        "log-group-deleted",
        "object-written-public",
        "replication",
        "selectors-changed",
        "signed-in",
        "trust-changed",
        "uncontained",
    }
    assert {rule.name for rule in RULES} - {row.rule for row in ROWS} == beyond
    assert all(WITHOUT_RULE.values())


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row.rule}: {row.names}")
def test_a_failed_call_is_an_attempt(row: Row) -> None:
    if row.fires.error:
        assert judge(row.fires, Nothing()).severity <= Severity.MEDIUM
        return
    tried = Event(
        **{name: getattr(row.fires, name) for name in row.fires.__struct_fields__} | {"error": "AccessDenied"}
    )
    judged = judge(tried, Nothing())
    assert judged.severity <= Severity.MEDIUM
    assert all(finding.name.endswith("-tried") for finding in judged.findings)


def test_keys_of_a_batch_count_once_and_its_call_is_not_one_more() -> None:
    """The call is logged as DeleteObjects, and each key as a DeleteObject that no caller made (since 2025-06-09)."""
    keys = [
        event("DeleteObject", bucket="payroll", key=str(number), eventType="AwsServiceEvent", agent=BOTO)
        for number in range(30)
    ]
    analysis = Analysis()
    analysis.add([s3("DeleteObjects"), *keys])
    (principal,) = analysis.principals()
    assert analysis.buckets()[0].writes == 30
    assert {reason.name: reason.count for reason in principal.reasons}["bulk-delete"] == 30


def test_administrators_who_proved_themselves_are_not_alarming_and_those_who_did_not_are() -> None:
    proved = user()
    proved["sessionContext"] = {"attributes": {"mfaAuthenticated": "true", "creationDate": "2026-11-24T08:00:00Z"}}
    people = session("AWSReservedSSO_Administrators_0123456789abcdef", "ann@example.com", "ASIASSO0000000000001")
    for who in (proved, people, user() | {"invokedBy": "cloudformation.amazonaws.com"}):
        made = event("CreateAccessKey", who, service="iam", params={"userName": "alice"})
        assert judge(made, Nothing()).severity is Severity.MEDIUM
        opened = event("PutBucketPolicy", who, bucket="payroll", params={"bucketPolicy": policy(allow("*"))})
        assert judge(opened, Nothing()).severity is Severity.CRITICAL
    assert judge(iam("CreateAccessKey", userName="alice"), Nothing()).severity is Severity.HIGH
