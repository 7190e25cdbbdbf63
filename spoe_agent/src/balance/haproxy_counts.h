// HaproxyCounts: what HAProxy has in flight at each server of a backend, beside what we count.
//
// Our own counts are exact and at once, but know only of requests that we were asked about, and
// whose log line comes. HAProxy's know of all, and are read a few times a second. At each reading
// the two are compared:
//   HAProxy has more    foreign requests: sticky ones, those it balanced itself. They are added to
//                       our own count until the next reading.
//   we have more        lost ones: their log line did not come. So many overdue tickets may be
//                       given up; the others stay open, for minutes if need be.
// In between, requests begin and end: a difference counts only beyond both what we had when HAProxy
// was asked and what we had when its answer came.
//
// Where requests wait in HAProxy, it gives a place that becomes free to one of them, at once and
// without asking us. So while somebody is known to wait, a server that ends a request is counted as
// if it had another one, until the next reading.
//
// The learning thread writes, the pick thread reads.
#ifndef LEASTWISE_SPOE_AGENT_BALANCE_HAPROXY_COUNTS_H_
#define LEASTWISE_SPOE_AGENT_BALANCE_HAPROXY_COUNTS_H_

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <vector>

#include "leastwise/clock.h"
#include "leastwise/picker.h"

namespace leastwise::agent {

class HaproxyCounts {
 public:
  // What is older says nothing any more.
  static constexpr Duration kFresh = std::chrono::seconds(2);

  explicit HaproxyCounts(std::size_t members = 0) : servers_(members) {}

  // ---- the learning thread

  // HAProxy is being asked; `own` is what we have in flight there.
  void ask(MemberIndex member, std::uint32_t own) noexcept { servers_[member].asked = own; }
  // It has answered.
  void note(MemberIndex member, std::uint32_t in_flight, std::uint32_t queued,
            std::uint32_t own) noexcept {
    Server& server = servers_[member];
    const std::uint32_t all = in_flight + queued;
    const auto [least, most] = std::minmax(server.asked, own);
    server.lost = least > all ? least - all : 0;
    // relaxed, here and below: a number of its own, nothing else is read by it.
    server.foreign.store(all > most ? all - most : 0, std::memory_order_relaxed);
    server.queues.store(queued > 0, std::memory_order_relaxed);
  }
  // A request that we sent there has ended.
  void note_end(MemberIndex member) noexcept {
    std::uint32_t waiting = waiting_.load(std::memory_order_relaxed);
    do {
      if (waiting == 0) return;
    } while (!waiting_.compare_exchange_weak(waiting, waiting - 1, std::memory_order_relaxed));
    servers_[member].foreign.fetch_add(1, std::memory_order_relaxed);
    is_any_.store(true, std::memory_order_relaxed);
  }
  void end(TimePoint now) noexcept {
    bool is_any = false;
    for (const Server& server : servers_) {
      is_any |= server.foreign.load(std::memory_order_relaxed) > 0 ||
                server.queues.load(std::memory_order_relaxed);
    }
    is_any_.store(is_any, std::memory_order_relaxed);
    read_.store(now.time_since_epoch().count(), std::memory_order_relaxed);
  }
  // Whether an overdue ticket of that server may be one whose line was lost. Asked once for each.
  bool take_lost(MemberIndex member, TimePoint now) noexcept {
    if (!is_fresh(now)) return true;
    if (servers_[member].lost == 0) return false;
    --servers_[member].lost;
    return true;
  }

  // ---- both

  bool is_fresh(TimePoint now) const noexcept {
    const TimePoint read{Duration(read_.load(std::memory_order_relaxed))};
    return read != TimePoint{} && now - read < kFresh;
  }

  // ---- the pick thread

  // How many wait in HAProxy, as far as a question and our answer to it tell.
  void note_waiting(std::uint32_t waiting) noexcept {
    if (waiting_.load(std::memory_order_relaxed) == waiting) return;
    waiting_.store(waiting, std::memory_order_relaxed);
  }

  // Whether there is more to know than our own counts.
  bool is_any(TimePoint now) const noexcept {
    return is_any_.load(std::memory_order_relaxed) && is_fresh(now);
  }
  std::uint32_t foreign(MemberIndex member) const noexcept {
    return servers_[member].foreign.load(std::memory_order_relaxed);
  }
  bool queues(MemberIndex member) const noexcept {
    return servers_[member].queues.load(std::memory_order_relaxed);
  }

 private:
  struct Server {
    std::atomic<std::uint32_t> foreign{0};
    std::atomic<bool> queues{false};
    std::uint32_t asked = 0, lost = 0;  // the learning thread's
  };
  std::vector<Server> servers_;
  std::atomic<bool> is_any_{false};
  std::atomic<std::uint32_t> waiting_{0};
  std::atomic<std::int64_t> read_{0};
};

}  // namespace leastwise::agent

#endif  // LEASTWISE_SPOE_AGENT_BALANCE_HAPROXY_COUNTS_H_
