"""The table of Athena over a trail's files: its definition, and `events` as a `SELECT` from it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from s3ir_tui.text import clean
from s3ir_tui.trail.names import S3_DATA_EVENTS

TABLE = "s3ir_cloudtrail"

_IDENTIFIER = re.compile(r"[a-z_][a-z0-9_]{0,127}")
_CATALOG = re.compile(r"[A-Za-z0-9_-]{1,128}")
_LOCATION = re.compile(r"s3://[a-z0-9][a-z0-9.-]{1,61}[a-z0-9](?:/[A-Za-z0-9!_.*()=+@-]+)*/?")
_REGION = re.compile(r"[a-z]{2}(?:-[a-z]+)+-\d")
_READING = "^(Get|List|Head|Describe|Lookup|Select|BatchGet|Search|Query|Scan)"


class TableError(ValueError):
    """A name that cannot be that of a table or a place of one."""


@dataclass(frozen=True, slots=True)
class Table:
    """A table of CloudTrail records in Athena, in the shape that AWS documents, partitioned by day at least.

    Attributes:
        database: The database.
        name: The table.
        catalog: The data catalogue.

    Raises:
        TableError: A name is not one.
    """

    database: str = "default"
    name: str = TABLE
    catalog: str = "AwsDataCatalog"

    def __post_init__(self) -> None:
        for value in (self.database, self.name):
            if not _IDENTIFIER.fullmatch(value):
                raise TableError(f"{clean(value)!r} is no name of a table or database: write lower-case letters and _")
        if not _CATALOG.fullmatch(self.catalog):
            raise TableError(f"{clean(self.catalog)!r} is no name of a data catalogue")

    def __str__(self) -> str:
        return f"{self.database}.{self.name}"

    def relation(self) -> str:
        """`events` out of the table, as our decoder makes them, each once.

        Its `?` take the first and last partition (`yyyy/MM/dd`) and the first and last time.
        """
        return _RELATION.replace("FROM_TABLE", f'"{self.database}"."{self.name}"')

    def definition(self, location: str, regions: Sequence[str]) -> str:
        """The statement that makes the table, with partition projection by Region and day.

        Args:
            location: `s3://BUCKET[/PREFIX]/AWSLogs/[ORG/]ACCOUNT/CloudTrail`.
            regions: Regions that the trail records.

        Raises:
            TableError: The location or a Region is none.
        """
        if not _LOCATION.fullmatch(location):
            raise TableError(f"{clean(location)!r} is no place of a trail: s3://BUCKET/AWSLogs/ACCOUNT/CloudTrail")
        for region in regions:
            if not _REGION.fullmatch(region):
                raise TableError(f"{clean(region)!r} is no Region")
        place = location.rstrip("/")
        text = _DEFINITION.replace("DATABASE", self.database).replace("NAME", self.name)
        return text.replace("LOCATED", place).replace("REGIONS", ",".join(regions))

    def removal(self) -> str:
        """The statement that takes the table away again; the trail's files stay."""
        return f"DROP TABLE `{self.database}`.`{self.name}`"


# The documented columns (Amazon Athena user guide, "Create the table for CloudTrail logs in Athena using partition
# projection"), partitioned by Region as well.
_DEFINITION = """CREATE EXTERNAL TABLE `DATABASE`.`NAME` (
  eventversion STRING,
  useridentity STRUCT<
    type: STRING,
    principalid: STRING,
    arn: STRING,
    accountid: STRING,
    invokedby: STRING,
    accesskeyid: STRING,
    username: STRING,
    onbehalfof: STRUCT<userid: STRING, identitystorearn: STRING>,
    sessioncontext: STRUCT<
      attributes: STRUCT<mfaauthenticated: STRING, creationdate: STRING>,
      sessionissuer: STRUCT<type: STRING, principalid: STRING, arn: STRING, accountid: STRING, username: STRING>,
      ec2roledelivery: STRING,
      webidfederationdata: STRUCT<federatedprovider: STRING, attributes: MAP<STRING, STRING>>>>,
  eventtime STRING,
  eventsource STRING,
  eventname STRING,
  awsregion STRING,
  sourceipaddress STRING,
  useragent STRING,
  errorcode STRING,
  errormessage STRING,
  requestparameters STRING,
  responseelements STRING,
  additionaleventdata STRING,
  requestid STRING,
  eventid STRING,
  readonly STRING,
  resources ARRAY<STRUCT<arn: STRING, accountid: STRING, type: STRING>>,
  eventtype STRING,
  apiversion STRING,
  recipientaccountid STRING,
  serviceeventdetails STRING,
  sharedeventid STRING,
  vpcendpointid STRING,
  vpcendpointaccountid STRING,
  eventcategory STRING,
  sessioncredentialfromconsole STRING,
  tlsdetails STRUCT<tlsversion: STRING, ciphersuite: STRING, clientprovidedhostheader: STRING>)
PARTITIONED BY (`region` STRING, `timestamp` STRING)
ROW FORMAT SERDE 'org.apache.hive.hcatalog.data.JsonSerDe'
STORED AS INPUTFORMAT 'com.amazon.emr.cloudtrail.CloudTrailInputFormat'
OUTPUTFORMAT 'org.apache.hadoop.hive.ql.io.HiveIgnoreKeyTextOutputFormat'
LOCATION 'LOCATED/'
TBLPROPERTIES (
  'projection.enabled'='true',
  'projection.region.type'='enum',
  'projection.region.values'='REGIONS',
  'projection.timestamp.type'='date',
  'projection.timestamp.format'='yyyy/MM/dd',
  'projection.timestamp.interval'='1',
  'projection.timestamp.interval.unit'='DAYS',
  'projection.timestamp.range'='2015/01/01,NOW',
  'storage.location.template'='LOCATED/${region}/${timestamp}')"""

_DATA_NAMES = ", ".join(f"'{name}'" for name in sorted(S3_DATA_EVENTS))

# The rules of `s3ir_tui.trail.record`, in SQL. Two trails may put a record twice: DISTINCT keeps one, and lets Athena
# filter before it.
_RELATION = """SELECT DISTINCT
  coalesce(eventid, '') AS id, eventtime AS time, eventname AS name, service, coalesce(awsregion, '') AS region,
  coalesce(recipientaccountid, '') AS account,
  CASE
    WHEN who_account IN ('anonymous', 'ANONYMOUS_PRINCIPAL') THEN 'anonymous'
    WHEN who_arn <> '' THEN who_arn
    WHEN who_type = 'AWSAccount' AND who_account <> '' THEN 'AWSAccount:' || who_account
    WHEN who_service <> '' THEN who_service
    WHEN who_type = 'IdentityCenterUser' AND who_person <> '' THEN 'IdentityCenterUser:' || who_person
    WHEN who_best <> '' THEN CASE WHEN who_type = '' THEN 'Unknown' ELSE who_type END || ':' || who_best
    WHEN unsigned THEN 'anonymous'
    WHEN who_type = '' THEN 'unknown'
    ELSE who_type
  END AS principal,
  CASE
    WHEN who_account IN ('anonymous', 'ANONYMOUS_PRINCIPAL') THEN 'Anonymous'
    WHEN who_arn = '' AND who_service = '' AND who_best = '' AND unsigned THEN 'Anonymous'
    WHEN who_type <> '' THEN who_type
    WHEN who_arn = '' AND who_service <> '' THEN 'AWSService'
    ELSE 'Unknown'
  END AS kind,
  CASE
    WHEN issuer_arn <> '' THEN issuer_arn
    WHEN in_session AND who_type = 'IAMUser' AND who_key LIKE 'ASIA%' THEN who_arn
    ELSE ''
  END AS issuer,
  who_account AS caller_account, who_key AS access_key,
  coalesce(sourceipaddress, '') AS address, coalesce(useragent, '') AS agent, who_service AS invoked_by,
  CASE
    WHEN service NOT LIKE 's3%' THEN ''
    WHEN asked_bucket <> '' AND asked_bucket NOT LIKE 'arn:%' THEN asked_bucket
    WHEN object_path <> '' THEN split_part(object_path, '/', 1)
    ELSE asked_bucket
  END AS bucket,
  CASE
    WHEN service NOT LIKE 's3%' THEN ''
    WHEN asked_key <> '' THEN asked_key
    WHEN asked_bucket <> '' AND asked_bucket NOT LIKE 'arn:%' THEN ''
    WHEN strpos(object_path, '/') > 0 THEN substr(object_path, strpos(object_path, '/') + 1)
    ELSE ''
  END AS key,
  coalesce(errorcode, '') AS error, coalesce(errormessage, '') AS message,
  CASE
    WHEN lower(readonly) = 'true' THEN true
    WHEN lower(readonly) = 'false' THEN false
    ELSE regexp_like(eventname, 'READING')
  END AS read_only,
  CASE WHEN moved_in >= 0 AND moved_in < 1E18 THEN CAST(floor(moved_in) AS bigint) ELSE 0 END AS bytes_in,
  CASE WHEN moved_out >= 0 AND moved_out < 1E18 THEN CAST(floor(moved_out) AS bigint) ELSE 0 END AS bytes_out,
  CASE
    WHEN eventcategory <> '' THEN eventcategory
    WHEN service LIKE 's3%' AND eventname IN (DATA_NAMES) THEN 'Data'
    ELSE 'Management'
  END AS category,
  coalesce(eventtype, 'AwsApiCall') AS type, coalesce(requestid, '') AS request_id
FROM (
  SELECT
    eventid, eventtime, eventname, awsregion, recipientaccountid, sourceipaddress, useragent, errorcode, errormessage,
    readonly, eventcategory, eventtype, requestid,
    split_part(eventsource, '.', 1) AS service,
    coalesce(useridentity.type, '') AS who_type,
    coalesce(useridentity.arn, '') AS who_arn,
    coalesce(useridentity.accountid, '') AS who_account,
    coalesce(useridentity.invokedby, '') AS who_service,
    coalesce(useridentity.accesskeyid, '') AS who_key,
    coalesce(useridentity.onbehalfof.userid, '') AS who_person,
    coalesce(nullif(useridentity.accountid, ''), nullif(useridentity.username, ''), useridentity.principalid, '')
      AS who_best,
    coalesce(useridentity.sessioncontext.sessionissuer.arn, '') AS issuer_arn,
    useridentity.sessioncontext IS NOT NULL AS in_session,
    eventsource LIKE 's3%' AND coalesce(eventtype, 'AwsApiCall') = 'AwsApiCall'
      AND coalesce(useridentity.type, '') IN ('', 'AWSAccount', 'Unknown') AS unsigned,
    coalesce(json_extract_scalar(requestparameters, '$.bucketName'), '') AS asked_bucket,
    coalesce(json_extract_scalar(requestparameters, '$.key'), '') AS asked_key,
    CASE
      WHEN element_at(resources, 1).arn LIKE '%:s3:::%' THEN split_part(element_at(resources, 1).arn, ':s3:::', 2)
      WHEN element_at(resources, 2).arn LIKE '%:s3:::%' THEN split_part(element_at(resources, 2).arn, ':s3:::', 2)
      ELSE ''
    END AS object_path,
    TRY_CAST(json_extract_scalar(additionaleventdata, '$.bytesTransferredIn') AS double) AS moved_in,
    TRY_CAST(json_extract_scalar(additionaleventdata, '$.bytesTransferredOut') AS double) AS moved_out
  FROM FROM_TABLE
  WHERE "timestamp" BETWEEN ? AND ? AND eventtime BETWEEN ? AND ?
    AND eventname <> '' AND eventsource <> '' AND coalesce(eventcategory, '') NOT IN ('Insight', 'Aggregated')
)""".replace("READING", _READING).replace("DATA_NAMES", _DATA_NAMES)
