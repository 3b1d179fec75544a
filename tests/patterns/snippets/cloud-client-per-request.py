# slow
# below: client boto3/__init__.py, client boto3/session.py, wrapper botocore/context.py, create_client botocore/session.py, load_service_model botocore/loaders.py
# known: handler=True
import boto3

def picture(key):
    s3 = boto3.client("s3")  # hot
    return s3.get_object(Bucket="pictures", Key=key)["Body"].read()
# exempt: cached
# below: client boto3/__init__.py, create_client botocore/session.py
# known: handler=True
import functools
import boto3

@functools.cache
def s3():
    return boto3.client("s3")  # hot
