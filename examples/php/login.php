<?php
declare(strict_types=1);
require __DIR__ . '/members.php';

own_form_only();
if (!is_member((string) ($_POST['user'] ?? ''), (string) ($_POST['password'] ?? ''))) {
    refuse(401, 'User or password is not right.');
}
session_regenerate_id(true);
$_SESSION['user'] = $_POST['user'];
open_media();
go_to('/');
