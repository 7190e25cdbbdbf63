// What the agent counts about itself, for its status page. Each part has one writing thread.
#ifndef LEASTWISE_SPOE_AGENT_SERVE_COUNTERS_H_
#define LEASTWISE_SPOE_AGENT_SERVE_COUNTERS_H_

#include "serve/counter.h"

namespace leastwise::agent {

struct ConnectionCounters {
  Counter accepted, closed;
  Counter refused;  // for want of descriptors or memory
  Counter evicted;  // closed, being idle for the longest time, to make room
};

// Written by the thread that answers HAProxy.
struct alignas(64) PickCounters {
  Counter asked;            // NOTIFY frames with a pick message
  Counter picked;           // answered with a server
  Counter unknown_backend;  // not configured here
  Counter no_server;        // nothing discovered yet, or no server may be picked
  Counter busy;             // the list of servers was just being replaced
  Counter outdated;         // read after the process had been stopped: HAProxy gave up long ago
  Counter not_understood;   // no pick message in it
  Counter untracked;        // picked, but finished at once: no id, or thread 2 could not keep up
  ConnectionCounters connections;
  Counter health_checks;
  Counter protocol_errors;
};

// Written by the thread that learns.
struct alignas(64) FeedbackCounters {
  Counter lines;      // log lines of ours, understood
  Counter garbled;    // ours, but not understood
  Counter foreign;    // without our magic word
  Counter lost;       // dropped by the kernel: the receive buffer was full
  Counter unknown;    // about a request that we were not asked about
  Counter opened;     // picks taken over
  Counter by_log;     // finished by their log line
  Counter tokens;     // whose first token was told before
  Counter expired;    // finished because no line came in time
  Counter late;       // lines of expired picks: learned from all the same
  Counter early;      // picks whose log line had come first
  Counter as_picked;  // requests that ran on the picked server
  Counter elsewhere;  // requests that ran on another server than the picked one
  Counter cancelled;  // picks finished for want of room, or because their backend went away
  Counter open;       // picks now waiting for their line
  Counter polls, failed_polls;  // of the runtime API
  Counter restarts;             // of HAProxy: another process answers
  Counter duplicates;           // of cancelled, those whose id another pick has
  Counter weights_told, weights_refused;
};

// Written by the thread that shares.
struct alignas(64) ShareCounters {
  Counter connected;  // 1 while it is
  Counter told;       // reports written
  Counter heard;      // reports read, new or not
  Counter refused;    // values under our keys that are no reports
  Counter errors;     // connections lost or not made, and errors that Redis answered
  Counter tellers;    // other balancers, of the pool that has the most
  Counter bytes;      // sent and received
};

}  // namespace leastwise::agent

#endif  // LEASTWISE_SPOE_AGENT_SERVE_COUNTERS_H_
