/* The process of a pod's sandbox: it holds the namespaces that containers share, until SIGTERM or SIGINT. */
#include <signal.h>
#include <unistd.h>

static void end(int number) { _exit(number == SIGTERM ? 0 : 1); }

int main(void) {
  signal(SIGTERM, end);
  signal(SIGINT, end);
  for (;;) pause();
}
