<?php
declare(strict_types=1);

// Signs for the media server. Needs PHP 8 and its openssl extension, nothing else.

/** Hours, not days: signed cookies cannot be called back. */
const LIFETIME_SECONDS = 2 * 60 * 60;

const MEDIA_COOKIES = [
    'CloudFront-Policy',
    'CloudFront-Signature',
    'CloudFront-Key-Pair-Id',
    'CloudFront-Hash-Algorithm', // says SHA256; without it a signature is taken for SHA-1
];

function need(string $name): string
{
    $value = getenv($name);
    if ($value === false || $value === '') {
        throw new RuntimeException("$name is not set; the README says what it is.");
    }
    return $value;
}

/** Scheme, host and port, without a path. */
function media_origin(): string
{
    return rtrim(need('MEDIA_URL'), '/');
}

function media_area(): string
{
    return getenv('MEDIA_AREA') ?: '/members/';
}

/** CloudFront's base64, which is not base64url. */
function media_base64(string $bytes): string
{
    return strtr(base64_encode($bytes), '+=/', '-_~');
}

/** The policy and its signature; $resource may hold the wildcards * and ?, and \? for a question mark. */
function media_sign(string $resource, int $expires): array
{
    $policy = json_encode(
        ['Statement' => [['Resource' => $resource, 'Condition' => ['DateLessThan' => ['AWS:EpochTime' => $expires]]]]],
        JSON_UNESCAPED_SLASHES | JSON_THROW_ON_ERROR,
    );
    $key = openssl_pkey_get_private((string) file_get_contents(need('MEDIA_KEY_FILE')));
    if ($key === false || !openssl_sign($policy, $signature, $key, OPENSSL_ALGO_SHA256)) {
        throw new RuntimeException('MEDIA_KEY_FILE names no private key that can sign.');
    }
    return [media_base64($policy), media_base64($signature)];
}

/**
 * Domain: site and media server are siblings, and a sibling can only set cookies for the parent. Path: a prefix,
 * without *. Secure holds on plain http too where the name ends in .localhost.
 */
function media_cookie_options(int $expires): array
{
    $parent = explode('.', (string) parse_url(media_origin(), PHP_URL_HOST), 2)[1] ?? '';
    return [
        'expires' => $expires,
        'domain' => getenv('COOKIE_DOMAIN') ?: $parent,
        'path' => media_area(),
        'secure' => true,
        'httponly' => true,
        'samesite' => 'Lax',
    ];
}

/** Sets the cookies that open the members' area. Call it before any output. */
function open_media(): void
{
    [$policy, $signature] = media_sign(media_origin() . media_area() . '*', time() + LIFETIME_SECONDS);
    $values = array_combine(MEDIA_COOKIES, [$policy, $signature, need('MEDIA_KEY_ID'), 'SHA256']);
    foreach ($values as $name => $value) {
        // setcookie() would escape the ~ of CloudFront's base64. 0: they die with the browser's session.
        setrawcookie($name, $value, media_cookie_options(0));
    }
}

/** Takes them away, with the Domain and Path that they were set with, or the browser keeps them. */
function close_media(): void
{
    foreach (MEDIA_COOKIES as $name) {
        setrawcookie($name, '', media_cookie_options(1));
    }
}

/** A URL that opens one file for a while, for who can send no cookies. */
function signed_media_url(string $path, int $seconds): string
{
    $url = media_origin() . $path;
    // In a resource a bare ? is a wildcard.
    [$policy, $signature] = media_sign(str_replace('?', '\\?', $url), time() + $seconds);
    $first = str_contains($url, '?') ? '&' : '?';
    return "$url{$first}Policy=$policy&Signature=$signature&Key-Pair-Id=" . need('MEDIA_KEY_ID') . '&Hash-Algorithm=SHA256';
}
