from django.http import HttpResponse
from django.urls import path


def index(request):
    return HttpResponse("Hello from Django\n", content_type="text/plain; charset=utf-8")


urlpatterns = [path("", index)]
