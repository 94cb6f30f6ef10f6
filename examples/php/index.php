<?php require __DIR__ . '/members.php'; ?>
<!doctype html>
<html lang="en">
  <meta charset="utf-8">
  <title>Members' site</title>
  <h1>Members' site</h1>
  <?php if (current_user() === null): ?>
    <form method="post" action="/login.php">
      <label>User <input name="user" autocomplete="username" required></label>
      <label>Password <input name="password" type="password" autocomplete="current-password" required></label>
      <button>Log in</button>
    </form>
  <?php else: ?>
    <form method="post" action="/logout.php">Welcome, <?= htmlspecialchars(current_user()) ?>. <button>Log out</button></form>
    <p><a href="/download.php">Download</a></p>
  <?php endif ?>
</html>
