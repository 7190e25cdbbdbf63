/* What C++ and scripts look at together: parsed by either, and compared with the layout of the core
 * in layout.cc. LuaJIT has no preprocessor: lines that begin with # are left out of what it reads.
 *
 * The words of core/src/words/packed.h are in halves, since a 64-bit integer would be boxed. */
#ifndef LEASTWISE_LUA_BINDING_H_
#define LEASTWISE_LUA_BINDING_H_

#include <stddef.h>
#include <stdint.h>

/* state::Hot */
typedef struct leastwise_hot {
  const uint32_t work_low, load_high; /* in flight: the upper 20 bits */
  const uint32_t speed_low, speed_high;
  const uint32_t error_ms;
  const float error_share;
  const uint32_t health_low, health_high;
  const float base, handicap, slowness, inverse_weight;
  const uint32_t max_conns, flags;
  const uint32_t away; /* of those in flight, idle: the lower 20 bits */
  const uint32_t unused;
} leastwise_hot;

/* state::Record, as far as scripts need it */
typedef struct leastwise_record {
  const uint32_t place, name_size;
  const uint32_t hash_low, hash_high;
  const uint32_t answer_ms;
  const float answer_seconds;
  const char name[192];
  const uint32_t weight, max_fails;
  const char skipped_1[44];
  const float warmth;
  const char skipped_2[8];
  const float rate;
  const char skipped_3[28];
  const uint32_t report_ms, reported; /* cpu and others: the upper half */
  const char skipped_4[128];
  const uint32_t picks, picks_high;
  const char skipped_5[1016];
} leastwise_record;

/* Member */
typedef struct leastwise_member {
  const uint32_t id;
  const uint8_t backup, skipped[3];
} leastwise_member;

/* An endpoint and a request, as scripts hold them: who makes up a number is told so. */
typedef struct leastwise_endpoint {
  const uint32_t id;
} leastwise_endpoint;
typedef struct leastwise_request {
  const uint32_t unused;
} leastwise_request;

/* Of one script: what it is asked, and what it answers. */
typedef struct leastwise_view {
  const leastwise_hot* hot; /* by endpoint */
  const leastwise_record* records;
  const leastwise_member* members;
  const uint32_t* candidates; /* members */
  const uint32_t* counts;     /* in flight by endpoint, as the front end says; NULL: as hot says */
  float* factors;             /* by endpoint: what tick() makes of its weight; 0: left out */
  const uint32_t* pool;       /* endpoints that tick() is told of */
  uint32_t capacity;          /* endpoints */
  uint32_t candidate_count;
  uint32_t pool_size;
  uint32_t chosen;  /* endpoint */
  double now;       /* seconds */
  uint32_t now_ms;  /* modulo 2^32, as stamps are */
  int32_t left;     /* checks until the next look at the clock */
  float scores[64]; /* of the candidates */

  /* Functions of C++, which do not call Lua. */
  int32_t (*look_at_clock)(struct leastwise_view* view); /* 0: its time is over */
  int32_t (*look_up)(struct leastwise_view* view, int32_t what, const char* name, size_t size);
  double (*predict)(struct leastwise_view* view, uint32_t id);
  double (*share)(const char* text, size_t size);
  void* script;
  const char* text; /* what look_up found */
  size_t text_size;
  double number;
} leastwise_view;

#endif
