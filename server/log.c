/* First form: writes at once. */
#include "log.h"

static enum log_level level_max = LOG_INFO;

void log_open(enum log_level level, bool json)
{
    (void)json;
    level_max = level;
}

void log_close(void)
{
}

void log_event(enum log_level level, const char *event, const char *format, ...)
{
    static const char *const names[] = {"error", "warning", "info", "debug"};
    va_list arguments;

    if (level > level_max)
        return;
    fprintf(stderr, "%s %s ", names[level], event);
    va_start(arguments, format);
    vfprintf(stderr, format, arguments);
    va_end(arguments);
    fputc('\n', stderr);
}
