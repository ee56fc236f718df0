"""MediaConvert base URL and paths."""

from localaws.mediaconvert.responses import MediaConvertResponse

url_bases = [
    r"https?://mediaconvert\.(.+)\.amazonaws\.com",
]

url_paths = {
    "{0}/2017-08-29/endpoints$": MediaConvertResponse.dispatch,
    "{0}/2017-08-29/jobs$": MediaConvertResponse.dispatch,
    "{0}/2017-08-29/jobs/(?P<id>[^/]+)$": MediaConvertResponse.dispatch,
    "{0}/2017-08-29/queues$": MediaConvertResponse.dispatch,
    "{0}/2017-08-29/queues/(?P<name>[^/]+)$": MediaConvertResponse.dispatch,
    "{0}/2017-08-29/search$": MediaConvertResponse.dispatch,
    "{0}/2017-08-29/tags$": MediaConvertResponse.dispatch,
    "{0}/2017-08-29/tags/(?P<arn>.+)$": MediaConvertResponse.dispatch,
}
