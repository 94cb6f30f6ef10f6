"""Prints botocore.json. Run in this folder: python3 make-botocore.py > botocore.json

Requests as the clients that botocore makes send them: only the network and the clock are taken away.
"""

import datetime
import json

import botocore
import botocore.auth
import botocore.awsrequest
import botocore.config
import botocore.session

NOW = datetime.datetime(2026, 11, 22, 9, 59, 31, tzinfo=datetime.timezone.utc)
SECRET = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"


botocore.auth.get_current_datetime = lambda remove_tzinfo=True: NOW.replace(tzinfo=None) if remove_tzinfo else NOW

CALLS = [
    ("cloudfront", "list_distributions", {}),
    ("cloudfront", "list_distributions", {"Marker": "E 1/+é", "MaxItems": "10"}),
    ("cloudfront", "get_distribution", {"Id": "E1 ABC/(d)!*'~"}),
    ("cloudfront", "delete_distribution", {"Id": "E1ABC", "IfMatch": "E2QWR"}),
    (
        "cloudfront",
        "create_invalidation",
        {
            "DistributionId": "E1ABC",
            "InvalidationBatch": {
                "Paths": {"Quantity": 1, "Items": ["/live/é b"]},
                "CallerReference": "r",
            },
        },
    ),
    (
        "cloudfront",
        "tag_resource",
        {
            "Resource": "arn:aws:cloudfront::000000000000:distribution/E1ABC",
            "Tags": {"Items": [{"Key": "a", "Value": "b"}]},
        },
    ),
    ("sts", "get_caller_identity", {}),
]


def sent(service, call, parameters):
    """The request that would have gone out: the network is taken away, and nothing else."""
    session = botocore.session.Session()
    session.set_credentials("AKIDEXAMPLE", SECRET)
    config = botocore.config.Config(retries={"max_attempts": 0})
    client = session.create_client(
        service, region_name="us-east-1", endpoint_url="http://127.0.0.1:9000", config=config
    )
    caught = []

    def keep(request, **_):
        caught.append(request)
        return botocore.awsrequest.AWSResponse(request.url, 200, {}, Nothing())

    client.meta.events.register("before-send", keep)
    try:
        getattr(client, call)(**parameters)
    except Exception:  # an answer that says nothing
        pass
    request = caught[0]
    body = request.body or b""
    text = lambda value: value.decode() if isinstance(value, bytes) else str(value)
    # Left away: what tells of the machine and of the attempt. It is never signed.
    untold = ("user-agent", "amz-sdk-invocation-id", "amz-sdk-request")
    fields = [[name, text(value)] for name, value in request.headers.items() if name.lower() not in untold]
    return {
        "method": request.method,
        "target": request.url.removeprefix("http://127.0.0.1:9000"),
        "fields": [["Host", "127.0.0.1:9000"], *fields],
        "body": text(body),
    }


class Nothing:
    def stream(self, **_):
        return iter([b""])

    def read(self, *_):
        return b""


vectors = {
    "madeBy": f"botocore {botocore.__version__}",
    "accessKeyId": "AKIDEXAMPLE",
    "secretAccessKey": SECRET,
    "at": NOW.isoformat().replace("+00:00", "Z"),
    "requests": [{"call": f"{service} {call}", **sent(service, call, given)} for service, call, given in CALLS],
}
print(json.dumps(vectors, indent=2))
