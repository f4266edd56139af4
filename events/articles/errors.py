"""The refusals of articles."""

from common.errors import NotFound


class ArticleNotFound(NotFound):
    public_message = "There is no such article."
