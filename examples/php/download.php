<?php
declare(strict_types=1);
require __DIR__ . '/members.php';

// Only members get a link, only for this file, and it works for a quarter of an hour.
if (current_user() === null) {
    refuse(401, 'Log in first.');
}
go_to(signed_media_url(getenv('DOWNLOAD') ?: '/members/talk/index.m3u8', 900));
