/* What a pod's sandbox runs: it holds the namespaces that containers share, and ends when told to. */
#include <signal.h>
#include <unistd.h>

static void end(int number) { _exit(number == SIGTERM ? 0 : 1); }

int main(void) {
  signal(SIGTERM, end);
  signal(SIGINT, end);
  for (;;) pause();
}
