"""A client of gRPC's C++ implementation: grpcclient's contract, in Python.

client.py TARGET reads numbers of requests from its standard input, a line each,
sends as many on its one channel and prints a line of JSON for each: who answered.
GRPC_XDS_BOOTSTRAP_CONFIG says where the control plane is.
"""

import collections
import concurrent.futures
import json
import sys

import grpc

METHOD = "/coastwise.e2e.Where/Where"
DEADLINE = 20  # seconds


def text(message):
    """The value of a google.protobuf.StringValue: field 1, shorter than 128 bytes."""
    if len(message) < 2 or message[0] != 0x0A or message[1] != len(message) - 2:
        raise ValueError(f"{METHOD} answered {message!r}")
    return message[2:].decode()


def ask(call):
    try:
        address, _, zone = text(call(b"", timeout=DEADLINE)).partition(" ")
        return address, zone, None
    except grpc.RpcError as e:
        return None, None, f"{e.code().name}: {e.details()}"


def main():
    channel = grpc.insecure_channel(sys.argv[1])
    call = channel.unary_unary(METHOD)
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        for line in sys.stdin:
            n = int(line)
            failures, endpoints, zones = (collections.Counter() for _ in range(3))
            for address, zone, failure in pool.map(ask, [call] * n):
                if failure:
                    failures[failure] += 1
                else:
                    endpoints[address] += 1
                    zones[zone] += 1
            print(json.dumps({"requests": n, "failures": failures, "endpoints": endpoints, "zones": zones}), flush=True)


main()
