"""Reads fields that an edge has encrypted, one line of base64 each, and prints them as lines of base64.

By AWS's own SDK where that is installed (`read-field.py sdk …`), else by hand after its message format, with nothing but
RSA, HKDF and AES-GCM of the package cryptography (`read-field.py by-hand …`).
"""

import base64
import struct
import sys


def by_sdk(provider, name, pem):
    import aws_encryption_sdk
    from aws_encryption_sdk.identifiers import EncryptionKeyType, WrappingAlgorithm
    from aws_encryption_sdk.internal.crypto.wrapping_keys import WrappingKey
    from aws_encryption_sdk.key_providers.raw import RawMasterKeyProvider

    class Keys(RawMasterKeyProvider):
        provider_id = provider

        def _get_raw_key(self, key_id):
            return WrappingKey(
                wrapping_algorithm=WrappingAlgorithm.RSA_OAEP_SHA256_MGF1,
                wrapping_key=pem,
                wrapping_key_type=EncryptionKeyType.PRIVATE,
            )

    keys = Keys()
    keys.add_master_key(name)
    policy = aws_encryption_sdk.CommitmentPolicy.FORBID_ENCRYPT_ALLOW_DECRYPT
    client = aws_encryption_sdk.EncryptionSDKClient(commitment_policy=policy)
    return lambda message: client.decrypt(source=message, key_provider=keys)[0]


class Parts:
    def __init__(self, message):
        self.message = message
        self.at = 0

    def take(self, count):
        part = self.message[self.at : self.at + count]
        if len(part) != count:
            raise ValueError("the message is cut short")
        self.at += count
        return part

    def number(self, count):
        return int.from_bytes(self.take(count), "big")

    def counted(self):
        return self.take(self.number(2))


def by_hand(provider, name, pem):
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import padding
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM
    from cryptography.hazmat.primitives.kdf.hkdf import HKDF

    private = serialization.load_pem_private_key(pem, None)
    oaep = padding.OAEP(padding.MGF1(hashes.SHA256()), hashes.SHA256(), None)

    def read(message):
        parts = Parts(message)
        assert parts.take(2) == b"\x01\x80", "version 1, a customer's data"
        suite = parts.take(2)
        assert suite == b"\x01\x78", "AES-256-GCM, HKDF with SHA-256, not signed"
        message_id = parts.take(16)
        assert parts.counted() == b"", "no encryption context"
        assert parts.number(2) == 1, "one data key"
        assert (parts.counted(), parts.counted()) == (provider.encode(), name.encode())
        wrapped = parts.counted()
        assert parts.take(5) == b"\x02\x00\x00\x00\x00", "framed"
        assert parts.number(1) == 12, "of an IV"
        frame_length = parts.number(4)
        header = message[: parts.at]
        data_key = private.decrypt(wrapped, oaep)
        key = AESGCM(HKDF(hashes.SHA256(), 32, None, suite + message_id).derive(data_key))
        iv = parts.take(12)
        key.decrypt(iv, parts.take(16), header)
        value = b""
        for number in range(1, 1 << 32):
            begin = parts.number(4)
            last = begin == 0xFFFFFFFF
            assert (parts.number(4) if last else begin) == number
            iv = parts.take(12)
            length = parts.number(4) if last else frame_length
            told = b"AWSKMSEncryptionClient Final Frame" if last else b"AWSKMSEncryptionClient Frame"
            told = message_id + told + struct.pack(">IQ", number, length)
            value += key.decrypt(iv, parts.take(length + 16), told)
            if last:
                assert parts.at == len(message), "nothing behind its end"
                return value

    return read


def main():
    how, provider, name, file = sys.argv[1:]
    with open(file, "rb") as opened:
        read = {"sdk": by_sdk, "by-hand": by_hand}[how](provider, name, opened.read())
    for line in sys.stdin:
        print(base64.b64encode(read(base64.b64decode(line, validate=False))).decode())


main()
