"""The current state of an AWS account, as JSON. The Python of the SAM command line runs it, since that has boto3."""

import json
import os
import sys

import boto3
from botocore.exceptions import BotoCoreError, ClientError


def main(stack: str, region: str, profile: str) -> int:
    """Prints the region, the stack with its parameters (null if it does not exist), and the account's concurrency limit."""
    try:
        # Unlike the other SDKs, boto3 does not read AWS_REGION.
        session = boto3.Session(region_name=region or os.environ.get("AWS_REGION"), profile_name=profile or None)
        found = {"region": session.region_name, "stack": _stack(session, stack), "concurrency": _concurrency(session)}
    except (BotoCoreError, ClientError) as error:
        print(error, file=sys.stderr)
        return 1
    print(json.dumps(found))
    return 0


def _stack(session: boto3.Session, name: str) -> dict | None:
    try:
        stack = session.client("cloudformation").describe_stacks(StackName=name)["Stacks"][0]
    except ClientError as error:
        # CloudFormation has no error code for a missing stack.
        if "does not exist" in str(error):
            return None
        raise
    parameters = {one["ParameterKey"]: one.get("ParameterValue", "") for one in stack.get("Parameters", [])}
    return {"status": stack["StackStatus"], "parameters": parameters}


def _concurrency(session: boto3.Session) -> int | None:
    try:
        return session.client("lambda").get_account_settings()["AccountLimit"]["ConcurrentExecutions"]
    except ClientError:
        # A deployer may lack the permission to read this.
        return None


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
