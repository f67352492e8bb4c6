"""The CloudFormation template of a queue that EventBridge sends CloudTrail's events to: printed, never deployed."""

from __future__ import annotations

TEMPLATE = """\
# Makes a queue for `s3ir-tui --source queue:NAME`: an EventBridge rule that matches what CloudTrail records in this
# Region, the queue, and the policy that lets the rule send to it. Deploy it in each Region that matters, and in
# us-east-1 for IAM and global STS:
#
#   s3ir-tui preflight --print-queue-template > queue.yaml
#   aws cloudformation deploy --stack-name s3ir-trail-events --template-file queue.yaml
#
# A trail must exist and be logging. S3 data events come only where a trail logs them. Read-only management events come
# by the state ENABLED_WITH_ALL_CLOUDTRAIL_MANAGEMENT_EVENTS. Events above 256 kB do not come; delivery is best effort.
# What the queue holds and what the rule sends is charged to this account: delete the stack after the incident.
AWSTemplateFormatVersion: "2010-09-09"
Description: CloudTrail events by way of EventBridge into a queue, for incident response.

Parameters:
  QueueName:
    Type: String
    Default: s3ir-trail-events
  RetentionSeconds:
    Type: Number
    Default: 345600
    Description: How long events wait to be read (60 to 1209600).

Resources:
  Queue:
    Type: AWS::SQS::Queue
    Properties:
      QueueName: !Ref QueueName
      MessageRetentionPeriod: !Ref RetentionSeconds
      SqsManagedSseEnabled: true

  Rule:
    Type: AWS::Events::Rule
    Properties:
      Description: What CloudTrail records of S3, identities, keys, instances and trails.
      State: ENABLED_WITH_ALL_CLOUDTRAIL_MANAGEMENT_EVENTS
      EventPattern:
        source:
          - aws.s3
          - aws.iam
          - aws.sts
          - aws.signin
          - aws.kms
          - aws.ec2
          - aws.cloudtrail
          - aws.organizations
        detail-type:
          - AWS API Call via CloudTrail
          - AWS Console Sign In via CloudTrail
          - AWS Service Event via CloudTrail
      Targets:
        - Id: queue
          Arn: !GetAtt Queue.Arn

  QueuePolicy:
    Type: AWS::SQS::QueuePolicy
    Properties:
      Queues:
        - !Ref Queue
      PolicyDocument:
        Version: "2012-10-17"
        Statement:
          - Sid: OnlyTheRuleSends
            Effect: Allow
            Principal:
              Service: events.amazonaws.com
            Action: sqs:SendMessage
            Resource: !GetAtt Queue.Arn
            Condition:
              ArnEquals:
                aws:SourceArn: !GetAtt Rule.Arn

Outputs:
  QueueUrl:
    Description: For --source queue:URL
    Value: !Ref Queue
"""
