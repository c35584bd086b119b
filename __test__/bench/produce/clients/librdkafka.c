/*
 * Produces with librdkafka for a while and prints figures as one line of JSON.
 *
 *   producer LIBRARY BROKERS TOPIC CODEC VALUES STICKY_MS WINDOW SIZE WARM_UP_MS DURATION_MS
 *
 * All messages of STICKY_MS go to one partition; 0 = each to one by itself. WINDOW messages wait for their acknowledgement at any time;
 * 0 = as many as the queue takes. With a window of 1 nothing lingers, and each message's latency is measured.
 *
 * The few functions and the first field that are needed are declared here: no header of the library has to be installed.
 */
#include <dlfcn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

typedef struct message { int err; } message; /* rd_kafka_message_t begins with it */
typedef void on_delivery(void *, const message *, void *);

enum { F_COPY = 2, QUEUE_FULL = -184, CONF_OK = 0, PRODUCER = 0, MOST_LATENCIES = 1 << 22 };

static void *(*conf_new)(void);
static int (*conf_set)(void *, const char *, const char *, char *, size_t);
static void (*conf_on_delivery)(void *, on_delivery *);
static void *(*producer_new)(int, void *, char *, size_t);
static void *(*topic_new)(void *, const char *, void *);
static int (*produce)(void *, int32_t, int, void *, size_t, const void *, size_t, void *);
static int (*poll_events)(void *, int);
static int (*last_error)(void);
static int (*flush_all)(void *, int);

static long acknowledged, failed;

static void delivered(void *producer, const message *message, void *opaque) {
  (void)producer, (void)opaque;
  if (message->err) failed++;
  else acknowledged++;
}

static double now_ms(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return time.tv_sec * 1e3 + time.tv_nsec / 1e6;
}

static double cpu_micros(void) {
  struct rusage usage;
  getrusage(RUSAGE_SELF, &usage);
  return (usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1e6 + usage.ru_utime.tv_usec + usage.ru_stime.tv_usec;
}

static int ascending(const void *a, const void *b) {
  double difference = *(const double *)a - *(const double *)b;
  return (difference > 0) - (difference < 0);
}

static void die(const char *what) {
  fprintf(stderr, "%s\n", what);
  exit(1);
}

static void *symbol(void *library, const char *name) {
  void *found = dlsym(library, name);
  if (!found) die(name);
  return found;
}

static void set(void *conf, const char *name, const char *value) {
  char error[512];
  if (conf_set(conf, name, value, error, sizeof error) != CONF_OK) die(error);
}

int main(int argc, char **argv) {
  if (argc != 11) die("see the head of the source");
  void *library = dlopen(argv[1], RTLD_NOW);
  if (!library) die(dlerror());
  *(void **)&conf_new = symbol(library, "rd_kafka_conf_new");
  *(void **)&conf_set = symbol(library, "rd_kafka_conf_set");
  *(void **)&conf_on_delivery = symbol(library, "rd_kafka_conf_set_dr_msg_cb");
  *(void **)&producer_new = symbol(library, "rd_kafka_new");
  *(void **)&topic_new = symbol(library, "rd_kafka_topic_new");
  *(void **)&produce = symbol(library, "rd_kafka_produce");
  *(void **)&poll_events = symbol(library, "rd_kafka_poll");
  *(void **)&last_error = symbol(library, "rd_kafka_last_error");
  *(void **)&flush_all = symbol(library, "rd_kafka_flush");

  long window = atol(argv[7]);
  size_t size = strtoul(argv[8], NULL, 10);
  double warm_up = atof(argv[9]), duration = atof(argv[10]);

  FILE *file = fopen(argv[5], "rb");
  if (!file) die(argv[5]);
  fseek(file, 0, SEEK_END);
  size_t length = ftell(file);
  rewind(file);
  char *values = malloc(length);
  if (fread(values, 1, length, file) != length) die(argv[5]);
  fclose(file);
  size_t count = length / size;

  void *conf = conf_new();
  set(conf, "bootstrap.servers", argv[2]);
  set(conf, "compression.type", argv[4]);
  set(conf, "sticky.partitioning.linger.ms", argv[6]);
  if (window == 1) set(conf, "linger.ms", "0");
  conf_on_delivery(conf, delivered);
  char error[512];
  void *producer = producer_new(PRODUCER, conf, error, sizeof error);
  if (!producer) die(error);
  void *topic = topic_new(producer, argv[3], NULL);

  double *latencies = window == 1 ? malloc(MOST_LATENCIES * sizeof(double)) : NULL;
  long timed = 0, sent = 0, before = 0;
  double begun = now_ms(), marked = 0, cpu = 0;
  for (;;) {
    double now = window == 1 || sent % 64 == 0 ? now_ms() : 0;
    if (!marked && now - begun >= warm_up) {
      poll_events(producer, 0);
      marked = now_ms(), cpu = cpu_micros(), before = acknowledged, timed = 0;
    }
    if (marked && now - marked >= duration) break;
    char *value = values + (sent % count) * size;
    while (produce(topic, -1, F_COPY, value, size, NULL, 0, NULL) != 0) {
      if (last_error() != QUEUE_FULL) die("rd_kafka_produce");
      poll_events(producer, 10);
    }
    sent++;
    if (window == 0) {
      if (sent % 256 == 0) poll_events(producer, 0);
    } else {
      while (sent - acknowledged - failed >= window) poll_events(producer, 100);
      if (latencies && timed < MOST_LATENCIES) latencies[timed++] = now_ms() - now;
    }
  }
  poll_events(producer, 0);
  double elapsed = now_ms() - marked, used = cpu_micros() - cpu;
  long written = acknowledged - before;
  flush_all(producer, 30000);
  if (failed || acknowledged != sent) die("not all of it was acknowledged");

  struct rusage usage;
  getrusage(RUSAGE_SELF, &usage);
  printf("{\"count\":%ld,\"messagesPerSecond\":%.1f,\"cpuMicros\":%.3f,\"rssMb\":%.1f", acknowledged,
         written / elapsed * 1000, used / written, usage.ru_maxrss / 1024.0);
  if (latencies) {
    qsort(latencies, timed, sizeof(double), ascending);
    printf(",\"p50\":%.4f,\"p99\":%.4f", latencies[timed / 2], latencies[timed * 99 / 100]);
  }
  printf("}\n");
  return 0;
}
