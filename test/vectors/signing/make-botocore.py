"""Prints botocore.json. Run in this folder: python3 make-botocore.py > botocore.json

botocore signs with whatever function it is given; this is the one of the AWS SDK for Python's guide, for both keys
and both digests. It knows no Hash-Algorithm, so SHA-256 is declared behind its parameters, as AWS's pages show.
"""

import json
from datetime import datetime, timezone
from urllib.parse import urlsplit

from botocore.signers import CloudFrontSigner
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa

HOST = 'd111111abcdef8.cloudfront.net'
FILM = f'https://{HOST}/members/talk/index.m3u8'
UNTIL = datetime(2027, 1, 1, tzinfo=timezone.utc)
SINCE = datetime(2026, 1, 1, tzinfo=timezone.utc)
PAST = datetime(2026, 2, 1, tzinfo=timezone.utc)
DIGESTS = {'SHA1': hashes.SHA1, 'SHA256': hashes.SHA256}

vectors = []


def signing(key, digest):
    if isinstance(key, rsa.RSAPrivateKey):
        return lambda message: key.sign(message, padding.PKCS1v15(), DIGESTS[digest]())
    return lambda message: key.sign(message, ec.ECDSA(DIGESTS[digest]()))


def add(name, expect, url, cookies=None, **more):
    parts = urlsplit(url)
    vectors.append({
        'name': name, 'expect': expect,
        'scheme': parts.scheme, 'authority': parts.netloc, 'rawPath': parts.path, 'query': parts.query,
        'address': '192.0.2.7', 'action': 'view',
        **({'cookies': '; '.join(f'CloudFront-{pair}' for pair in cookies)} if cookies else {}),
        **more,
    })


def of(key_file, key_id, digest, stranger):
    with open(f'{key_file}.pem', 'rb') as pem:
        key = serialization.load_pem_private_key(pem.read(), None)
    signer = CloudFrontSigner(key_id, signing(key, digest))
    other = CloudFrontSigner(key_id, signing(stranger, digest))
    declared = '&Hash-Algorithm=SHA256' if digest == 'SHA256' else ''

    def named(what, *rest, **more):
        add(f'{key_file}, {digest}: {what}', *rest, **more)

    def url_of(by, url, **terms):
        return by.generate_presigned_url(url, **terms) + declared

    def cookies_of(by, policy):
        """What botocore would put into a URL, as cookies."""
        query = urlsplit(url_of(by, FILM, policy=policy)).query
        return query.split('&')

    def token_of(by, policy):
        return '~' + '.'.join(pair.split('=', 1)[1] for pair in cookies_of(by, policy)[:3])

    talk = signer.build_policy(f'https://{HOST}/members/talk/*', UNTIL)
    bound = signer.build_policy(f'https://{HOST}/members/talk/*', UNTIL, SINCE, '192.0.2.0/24')
    canned = url_of(signer, FILM, date_less_than=UNTIL)
    named('canned URL', 'allowed', canned)
    named('canned URL with own parameters', 'allowed', url_of(signer, f'{FILM}?b=2&a=%2f', date_less_than=UNTIL))
    named('canned URL on another host', 'bad-signature', canned.replace(HOST, 'media.example.com'))
    named('canned URL on another path', 'bad-signature', canned.replace('/talk/', '/walk/'))
    named('canned URL with Expires moved', 'bad-signature', canned.replace('Expires=17', 'Expires=18'))
    named('canned URL with a parameter added', 'bad-signature', f'{canned}&a=1')
    named('canned URL, expired', 'expired', url_of(signer, FILM, date_less_than=PAST))
    named('canned URL of a stranger', 'bad-signature', url_of(other, FILM, date_less_than=UNTIL))
    named('canned URL of an unknown key', 'unknown-key', canned.replace(key_id, 'KOTHER'))
    named('custom URL with every condition', 'allowed', url_of(signer, FILM, policy=bound))
    named('custom URL from another address', 'wrong-ip', url_of(signer, FILM, policy=bound), address='192.0.3.7')
    named('custom URL for a neighbour', 'wrong-resource', url_of(signer, FILM.replace('talk', 'talks'), policy=talk))
    named('custom URL of a stranger', 'bad-signature', url_of(other, FILM, policy=talk))
    named('custom URL without a hash', 'allowed' if digest == 'SHA1' else 'bad-signature',
          signer.generate_presigned_url(FILM, policy=talk))
    named('custom cookies', 'allowed', FILM, cookies_of(signer, talk))
    named('custom cookies over plain http', 'wrong-resource', FILM.replace('https', 'http'), cookies_of(signer, talk))
    named('custom cookies, expired', 'expired', FILM, cookies_of(signer, signer.build_policy('*', PAST)))
    named('custom cookies, not valid yet', 'not-yet', FILM,
          cookies_of(signer, signer.build_policy('*', UNTIL, datetime(2026, 12, 1, tzinfo=timezone.utc))))
    named('custom cookies of a stranger', 'bad-signature', FILM, cookies_of(other, talk))
    named('custom cookies where the group refuses SHA-1', 'allowed' if digest == 'SHA256' else 'weak-hash',
          FILM, cookies_of(signer, talk), trust={'sha1': 'refuse'})
    named('custom path token', 'allowed', FILM.replace('members', f'{token_of(signer, talk)}/members'))
    named('custom path token for a neighbour', 'wrong-resource',
          FILM.replace('members/talk', f'{token_of(signer, talk)}/members/talks'))
    named('custom path token of a stranger', 'bad-signature',
          FILM.replace('members', f'{token_of(other, talk)}/members'))
    stream = signer.build_policy('rtmp://*/live/stage', UNTIL)
    sent = url_of(signer, 'rtmp://live.example.com:1935/live/stage', policy=stream)
    named('stream for publishing', 'allowed', sent, action='publish')
    named('another stream for publishing', 'wrong-resource', sent.replace('stage', 'other'), action='publish')
    named('stream that is watched', 'wrong-resource', sent.replace('rtmp://', 'https://'))


for file, key_id, stranger in [
    ('rsa2048', 'KRSA2048', rsa.generate_private_key(65537, 2048)),
    ('p256', 'KP256', ec.generate_private_key(ec.SECP256R1())),
]:
    for digest in DIGESTS:
        of(file, key_id, digest, stranger)
print(json.dumps(vectors, indent=1))
