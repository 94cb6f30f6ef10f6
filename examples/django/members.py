"""A members' site as one Django module: `python3 members.py` starts it."""

import hmac
import os
import secrets
from pathlib import Path
from urllib.parse import urlsplit
from wsgiref.simple_server import make_server

from django.conf import settings
from django.core.wsgi import get_wsgi_application
from django.http import HttpResponse, HttpResponseRedirect
from django.middleware.csrf import get_token
from django.urls import path
from django.utils.html import format_html
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_POST

from media_grants import COOKIE_NAMES, MediaSigner

# Hours, not days: signed cookies cannot be called back.
LIFETIME_SECONDS = 2 * 60 * 60

MEDIA_URL = os.environ["MEDIA_URL"].rstrip("/")
AREA = os.environ.get("MEDIA_AREA", "/members/")
COOKIE_DOMAIN = os.environ.get("COOKIE_DOMAIN") or urlsplit(MEDIA_URL).hostname.split(".", 1)[1]
DOWNLOAD = os.environ.get("DOWNLOAD", "/members/talk/index.m3u8")

signer = MediaSigner(os.environ["MEDIA_KEY_ID"], Path(os.environ["MEDIA_KEY_FILE"]).read_bytes())


def open_media(response: HttpResponse) -> None:
    """Sets the cookies that open the members' area of the media server."""
    for name, value in signer.cookies(f"{MEDIA_URL}{AREA}*", LIFETIME_SECONDS).items():
        # Site and media server are siblings, and a sibling can only set cookies for the parent.
        response.set_cookie(
            name, value, domain=COOKIE_DOMAIN, path=AREA, secure=True, httponly=True, samesite="Lax"
        )


def close_media(response: HttpResponse) -> None:
    """Takes them away, with the Domain and Path that they were set with, or the browser keeps them."""
    for name in COOKIE_NAMES:
        response.set_cookie(
            name, "", max_age=0, domain=COOKIE_DOMAIN, path=AREA, secure=True, httponly=True, samesite="Lax"
        )


@never_cache
@require_GET
def home(request):
    token = format_html('<input type="hidden" name="csrfmiddlewaretoken" value="{}">', get_token(request))
    user = request.session.get("user")
    if user is None:
        door = format_html(
            '<form method="post" action="/login">{}<label>User <input name="user" required></label>'
            '<label>Password <input name="password" type="password" required></label>'
            "<button>Log in</button></form>",
            token,
        )
    else:
        door = format_html(
            '<form method="post" action="/logout">{}Welcome, {}. <button>Log out</button></form>'
            '<p><a href="/download">Download</a></p>',
            token,
            user,
        )
    return HttpResponse(format_html("<!doctype html><title>Members' site</title><h1>Members' site</h1>{}", door))


@never_cache
@require_POST
def log_in(request):
    """Put your own log-in here, such as django.contrib.auth; this one knows a single user, from the environment."""
    user, password = request.POST.get("user", ""), request.POST.get("password", "")
    right = [same(user, os.environ.get("DEMO_USER", "demo")), same(password, os.environ["DEMO_PASSWORD"])]
    if not all(right):
        return HttpResponse("User or password is not right.\n", status=401, content_type="text/plain")
    request.session.cycle_key()
    request.session["user"] = user
    response = HttpResponseRedirect("/")
    open_media(response)
    return response


@never_cache
@require_POST
def log_out(request):
    request.session.flush()
    response = HttpResponseRedirect("/")
    close_media(response)
    return response


@never_cache
@require_GET
def download(request):
    """Only members get a link, only for this file, and it works for a quarter of an hour."""
    if "user" not in request.session:
        return HttpResponse("Log in first.\n", status=401, content_type="text/plain")
    return HttpResponseRedirect(signer.url(f"{MEDIA_URL}{DOWNLOAD}", 900))


def same(given: str, right: str) -> bool:
    return hmac.compare_digest(given.encode(), right.encode())


urlpatterns = [
    path("", home),
    path("login", log_in),
    path("logout", log_out),
    path("download", download),
]

if __name__ == "__main__":
    settings.configure(
        # A restart logs everybody out.
        SECRET_KEY=secrets.token_urlsafe(50),
        ROOT_URLCONF=__name__,
        ALLOWED_HOSTS=["127.0.0.1", f".{COOKIE_DOMAIN}"],
        MIDDLEWARE=[
            "django.middleware.security.SecurityMiddleware",
            "django.contrib.sessions.middleware.SessionMiddleware",
            "django.middleware.csrf.CsrfViewMiddleware",
        ],
        SESSION_ENGINE="django.contrib.sessions.backends.signed_cookies",
        SESSION_COOKIE_SECURE=True,
        CSRF_COOKIE_SECURE=True,
    )
    with make_server("127.0.0.1", int(os.environ.get("PORT", "3000")), get_wsgi_application()) as server:
        print(f"The members' site is at http://www.{COOKIE_DOMAIN}:{server.server_port}/", flush=True)
        server.serve_forever()
