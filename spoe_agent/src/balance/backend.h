// Backend: one backend of HAProxy: its pool, its servers, and how it is picked from.
//
// Two threads use it. The pick thread calls pick() and nothing else, with the gate of its
// Registry held; the learning thread calls all the rest, and holds the gate while it replaces
// what pick() reads. The gate is held for memory work only, never over a system call that waits,
// and the pick thread only ever tries it: if it is taken, HAProxy balances that one request.
#ifndef LEASTWISE_SPOE_AGENT_BALANCE_BACKEND_H_
#define LEASTWISE_SPOE_AGENT_BALANCE_BACKEND_H_

#include <functional>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "balance/haproxy_counts.h"
#include "balance/state_store.h"
#include "balance/ways.h"
#include "config/file.h"
#include "haproxy/count_reader.h"
#include "haproxy/runtime_api.h"
#include "leastwise/picker.h"
#include "leastwise/pool.h"

namespace leastwise::spop {
struct ServerLoad;
}

namespace leastwise::agent {

struct OpenTicket;

// All picks that have no finish yet, wherever they are on their way.
class OpenPicks {
 public:
  // Gate held. `visit` may change the ticket.
  virtual void for_each(const std::function<void(OpenTicket&)>& visit, TimePoint now) = 0;

 protected:
  ~OpenPicks() = default;
};

// A server that was picked, by name. Views of the backend, valid while the gate is held.
struct Picked {
  Ticket ticket;
  std::string_view server;
  std::string_view second;  // the runner-up, empty if there is none
};

class Backend {
 public:
  // Takes over what an earlier run learned, if the store has it. Throws std::runtime_error when
  // there is no memory.
  Backend(const BackendConfig& config, StateStore& store);
  Backend(const Backend&) = delete;
  Backend& operator=(const Backend&) = delete;

  const std::string& name() const noexcept { return name_; }

  // ---- the pick thread, gate held

  // A false ticket when no server may be picked. O(servers).
  Picked pick(Request request, std::span<const spop::ServerLoad> loads, TimePoint now) noexcept;

  // So many wait in HAProxy for a place in this backend.
  void note_waiting(std::uint32_t waiting) noexcept { roster_->counts->note_waiting(waiting); }

  // Finishes a pick that nobody will tell the outcome of.
  void cancel(const Ticket& ticket, TimePoint now) noexcept;

  // ---- the learning thread

  // Brings the pool up to date with what HAProxy says. Takes the gate when servers came or went.
  // A pool that has to grow cancels what is open. True if servers came or went.
  bool update(const BackendInfo& info, std::mutex& gate, OpenPicks& open, TimePoint now);

  // Cancels what is open and forgets the servers; gate held. For a backend that leaves the
  // configuration.
  void retire(OpenPicks& open, TimePoint now);

  // The same at the end of the process, but what was learned of the servers stays as it is.
  void leave(OpenPicks& open, TimePoint now);

  void set_config(const BackendConfig& config) noexcept;  // gate held
  const Config& config() const noexcept { return config_; }
  // By the pick thread, gate held; nullptr: none.
  const std::shared_ptr<lua::Script>& script() const noexcept { return script_; }
  void set_mode(Mode mode) noexcept { mode_ = mode; }  // gate held, or nobody picks yet
  Mode mode() const noexcept { return mode_; }
  bool active() const noexcept { return active_; }
  void set_active(bool active) noexcept { active_ = active; }  // gate held

  // kNoEndpoint if there is no server of that name.
  EndpointId find(std::string_view server) const noexcept;

  // HAProxy is being asked what it has in flight; it has answered. See haproxy_counts.h.
  void begin_counts() noexcept;
  void note_counts(std::span<const ServerCounts> counts, TimePoint now) noexcept;
  // Whether an overdue pick may be one that ended without a log line.
  bool may_be_lost(const Ticket& ticket, TimePoint now) noexcept;

  Ticket adopt(std::string_view server, TimePoint now) noexcept;
  void finish(const Ticket& ticket, Outcome outcome, TimePoint now) noexcept;
  // The answer has begun, and goes on for long. True when that was all there is to learn, as it is
  // with policies other than `inference`: release() takes the place of finish() then.
  bool begin_answer(Ticket& ticket, TimePoint first_token) noexcept;
  void release(const Ticket& ticket, TimePoint now) noexcept;
  void tick(TimePoint now) noexcept;
  // What the script has to do apart from requests. Takes the gate.
  void tick_script(std::mutex& gate, TimePoint now);

  const Pool& pool() const noexcept { return pool_; }
  std::size_t servers() const noexcept { return roster_->names.size(); }

 private:
  // What picks go by; immutable but for the Pickers' own state.
  struct Roster {
    std::vector<ServerInfo> servers;                            // as told, to see what changed
    std::vector<std::string> names;                             // by MemberIndex
    std::unordered_map<std::string_view, MemberIndex> by_name;  // views of names
    std::vector<Member> members;
    std::vector<std::byte> picker_memory, learner_memory;
    Picker picker;   // the pick thread's
    Picker learner;  // the learning thread's
    // The pick thread's: which member the argument at a position was, the last time.
    std::vector<MemberIndex> member_at;
    std::vector<std::uint32_t> in_flight;
    std::unique_ptr<HaproxyCounts> counts;
  };

  // The pick thread's.
  MemberIndex member_of(std::size_t position, std::string_view server) noexcept;
  std::span<const std::uint32_t> read_loads(std::span<const spop::ServerLoad> loads,
                                            Tried& barred) noexcept;
  std::span<const std::uint32_t> with_foreign(Tried& barred) noexcept;
  std::uint32_t own(MemberIndex member) const noexcept;

  bool is_same_list(const std::vector<ServerInfo>& servers) const noexcept;
  void configure_changed(const std::vector<ServerInfo>& servers) noexcept;
  Pool make_pool(std::size_t capacity);
  bool add_all(Pool& pool, const BackendInfo& info, Roster& roster) const;
  void use(Pool pool, std::unique_ptr<Roster> roster);
  void grow(const BackendInfo& info, std::mutex& gate, OpenPicks& open, TimePoint now);
  void cancel_all(OpenPicks& open, TimePoint now);
  std::string endpoint_name(const ServerInfo& server) const;

  const std::string name_;
  std::shared_ptr<lua::Script> script_;  // before config_, which refers to it
  Config config_;
  StateStore& store_;
  Pool pool_;
  ProcessSlot slot_ = kNoSlot;
  std::unique_ptr<Roster> roster_;
  Ways ways_;  // the learning thread's
  Mode mode_ = Mode::kPick;
  bool active_ = true;
};

}  // namespace leastwise::agent

#endif  // LEASTWISE_SPOE_AGENT_BALANCE_BACKEND_H_
