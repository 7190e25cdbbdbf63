// Events: what happens next, in order of time.
#ifndef LEASTWISE_TESTS_SIM_ENGINE_EVENTS_H_
#define LEASTWISE_TESTS_SIM_ENGINE_EVENTS_H_

#include <cstdint>
#include <deque>
#include <queue>

#include "engine/server.h"

namespace leastwise::sim {

struct Event {
  enum class Kind : std::uint8_t {
    kArrival,
    kReachServer,  // subject: job
    kComplete,     // subject: server, tag: version of its plan
    kFirstByte,    // subject: job
    kReturn,       // subject: job, tag: generation * 2 + (1 if it went well)
    kAntagonist,   // subject: server, tag: 1 = begins
    kGrey,         // tag: 1 = begins
    kSinkhole,     // tag: 1 = begins
    kDown,         // subject: server
    kUp,           // subject: server
    kWarm,         // subject: server; every 100 ms until it is warm
    kModulate,     // subject: Phase
    kTick,
    kTell,  // subject: balancer
    kHear,  // subject: balancer
  };
  double at;
  Kind kind;
  std::uint32_t subject = 0;
  std::uint32_t tag = 0;

  bool operator<(const Event& other) const { return at > other.at; }
};

using EventQueue = std::priority_queue<Event>;

// All clients are equally patient, so timeouts come in the order of the requests.
struct Patience {
  double until;
  JobId job;
  std::uint32_t generation;
};
using PatienceQueue = std::deque<Patience>;

}  // namespace leastwise::sim

#endif  // LEASTWISE_TESTS_SIM_ENGINE_EVENTS_H_
