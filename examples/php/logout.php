<?php
declare(strict_types=1);
require __DIR__ . '/members.php';

own_form_only();
$_SESSION = [];
session_destroy();
close_media();
go_to('/');
