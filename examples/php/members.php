<?php
declare(strict_types=1);

// Who is a member. Put your own log-in here; this one knows a single user, from the environment.

require __DIR__ . '/media-grants.php';

session_set_cookie_params(['path' => '/', 'secure' => true, 'httponly' => true, 'samesite' => 'Lax']);
session_start();
header('Cache-Control: no-store');

function current_user(): ?string
{
    return $_SESSION['user'] ?? null;
}

function is_member(string $user, string $password): bool
{
    $right = [hash_equals(getenv('DEMO_USER') ?: 'demo', $user), hash_equals(need('DEMO_PASSWORD'), $password)];
    return !in_array(false, $right, true);
}

/** Browsers say with each POST where its form stood; a form of somebody else's site logs nobody in or out. */
function own_form_only(): void
{
    $from = parse_url($_SERVER['HTTP_ORIGIN'] ?? '');
    $host = ($from['host'] ?? '') . (isset($from['port']) ? ":{$from['port']}" : '');
    if ($_SERVER['REQUEST_METHOD'] !== 'POST' || $host === '' || $host !== ($_SERVER['HTTP_HOST'] ?? '')) {
        refuse(403, 'This form belongs to another site.');
    }
}

function refuse(int $status, string $sentence): never
{
    http_response_code($status);
    header('Content-Type: text/plain; charset=utf-8');
    exit("$sentence\n");
}

function go_to(string $url): never
{
    header("Location: $url", true, 303);
    exit;
}
