"""Judges disks through the vendor's SDK, and crashes on one event of a hundred until it is mended."""

import os

import resource_sdk

MENDED = False


def handler(event, context):
    id = event["invoking_event"]["id"]
    if not MENDED and int(id.removeprefix("v")) % 100 == 7:
        os._exit(3)
    resource_sdk.handler(event, context)
