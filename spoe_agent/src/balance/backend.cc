#include "balance/backend.h"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <cinttypes>
#include <cstdio>
#include <limits>
#include <random>
#include <stdexcept>
#include <string>

#include "balance/tickets.h"
#include "haproxy/request_id.h"
#include "leastwise/residency.h"
#include "serve/log.h"
#include "spop/pick_message.h"

namespace leastwise::agent {
namespace {

constexpr std::size_t kFirstCapacity = 64;
constexpr std::size_t kMostArguments = 255;  // of an SPOE message
// Of a name that is too long; the path of a unix socket may have twice as many.
constexpr std::size_t kMostAddressShown = 50;
constexpr std::uint32_t kNotSaid = std::numeric_limits<std::uint32_t>::max();
constexpr Outcome kNeverSent{.result = Result::kCancelled};

// Nobody but us can be using the pool: the state file is locked. So whoever left something in
// flight is dead, even if our pid, or another process, is now what it was. For the same reason
// there always is a row for us.
bool is_alive(Incarnation) noexcept { return false; }

// Drawn at random: the state outlives the machine's uptime, and in a container the agent is pid 1
// in each of its lives.
Incarnation self() {
  static const Incarnation self{static_cast<std::uint32_t>(::getpid()), std::random_device{}()};
  return self;
}

ProcessSlot join(Pool& pool) { return pool.join(self(), is_alive); }

Picker make_picker(const Pool& pool, ProcessSlot slot, const std::vector<Member>& members,
                   std::vector<std::byte>& memory, std::uint64_t seed) {
  Picker picker;
  memory.resize(Picker::bytes_for(members.size() + 1));  // not null, also for none
  const Status made = Picker::create(pool, slot, members, memory, seed, picker);
  if (!made.ok()) throw std::runtime_error(made.message());
  return picker;
}

bool is_same_server(const ServerInfo& a, const ServerInfo& b) noexcept {
  return a.name == b.name && a.address == b.address && a.backup == b.backup;
}

// The address without its port and brackets; nothing of a unix socket.
std::string_view host_of(std::string_view address) noexcept {
  if (address.starts_with('/')) return {};
  if (address.starts_with('[')) return address.substr(1, address.find(']') - 1);
  return address.substr(0, address.rfind(':'));
}

// What HAProxy says of a server, and what follows from our own configuration.
EndpointSettings settings_of(const Config& config, const ServerInfo& server,
                             std::size_t order) noexcept {
  EndpointSettings settings = server.settings;
  settings.order = static_cast<std::uint32_t>(order);
  const std::string_view host = host_of(server.address);
  if (config.locality.empty() || host.empty()) return settings;
  if (!config.locality.contains(host)) settings.flags |= kRemote;
  return settings;
}

bool has_same_settings(const EndpointSettings& a, const EndpointSettings& b) noexcept {
  return a.weight == b.weight && a.max_conns == b.max_conns && a.flags == b.flags &&
         a.order == b.order;
}

// Not so under another policy than before, or with another size.
bool remembers_as_told(const Config& config, const Pool& pool) noexcept {
  const std::size_t wanted = residency_of(config);
  return wanted == 0 || pool.residency() == wanted;
}

}  // namespace

Backend::Backend(const BackendConfig& config, StateStore& store)
    : name_(config.name),
      script_(config.script),
      config_(config.settings),
      store_(store),
      mode_(config.mode) {
  Pool pool;
  const auto kept = store_.find(name_);
  if (kept.empty() || !Pool::attach(kept, pool).ok()) {
    if (!kept.empty()) {
      log(LogLevel::kWarning, {"state of backend ", name_, ": of another version, started afresh"});
    }
    pool = make_pool(kFirstCapacity);
  } else if (!remembers_as_told(config_, pool)) {
    const Pool kept_pool = pool;
    pool = make_pool(kept_pool.capacity());
    if (!pool.migrate(kept_pool).ok()) pool = make_pool(kFirstCapacity);
  }
  // Until HAProxy says who is there, nobody is.
  pool.for_each([&](EndpointId id) { pool.retire(id); });
  slot_ = join(pool);
  use(pool, std::make_unique<Roster>());
}

// Memory for prompts is not exchanged: what is in use is lent to the pick thread.
void Backend::set_config(const BackendConfig& config) noexcept {
  if (remembers_as_told(config_, pool_) && !remembers_as_told(config.settings, pool_)) {
    log(LogLevel::kWarning, {"backend ", name_,
                             ": the memory for prompts is not that of \"prompt_memory\" and "
                             "\"policy\" until the agent is started again"});
  }
  config_ = config.settings;
  script_ = config.script;
}

Picked Backend::pick(Request request, std::span<const spop::ServerLoad> loads,
                     TimePoint now) noexcept {
  Roster& roster = *roster_;
  if (!active_ || mode_ != Mode::kPick || roster.members.empty()) return {};
  Tried barred;
  request.in_flight = read_loads(loads, barred);
  if (request.in_flight.empty() && roster.counts->is_any(now)) {
    request.in_flight = with_foreign(barred);
  }
  const Ticket ticket = roster.picker.pick(config_, request, barred, now);
  if (!ticket) return {};
  if (ticket.reason == Reason::kPanic || roster.members[ticket.member].backup) {
    // All that is left is draining, or a backup: HAProxy knows better what to do then. It uses one
    // backup or all of them, and does not tell which (allbackups).
    cancel(ticket, now);
    return {};
  }
  const bool has_second = ticket.second != kNoMember && !roster.members[ticket.second].backup;
  return {ticket, roster.names[ticket.member],
          has_second ? std::string_view(roster.names[ticket.second]) : std::string_view()};
}

void Backend::cancel(const Ticket& ticket, TimePoint now) noexcept {
  roster_->picker.finish(config_, ticket, kNeverSent, now);
}

// The arguments come in the same order each time: only the first request looks names up.
MemberIndex Backend::member_of(std::size_t position, std::string_view server) noexcept {
  Roster& roster = *roster_;
  if (position >= roster.member_at.size()) return kNoMember;
  MemberIndex& member = roster.member_at[position];
  if (member != kNoMember && roster.names[member] == server) return member;
  const auto found = roster.by_name.find(server);
  if (found == roster.by_name.end()) return kNoMember;
  return member = found->second;
}

// HAProxy's counts by member; none unless they are known for all, since those of half of the
// servers can not be compared with our own of the others. A server that HAProxy has at its limit is
// barred, too: our own count forgets a tunnel that lasts longer than our patience.
std::span<const std::uint32_t> Backend::read_loads(std::span<const spop::ServerLoad> loads,
                                                   Tried& barred) noexcept {
  Roster& roster = *roster_;
  std::ranges::fill(roster.in_flight, kNotSaid);
  std::size_t missing = roster.in_flight.size();
  for (std::size_t i = 0; i < loads.size(); ++i) {
    const spop::ServerLoad& load = loads[i];
    const MemberIndex member = member_of(i, load.name);
    if (member == kNoMember) continue;
    if (load.is_up == false) barred.insert(member);
    if (!load.in_flight) continue;
    const std::uint32_t limit = pool_.settings(roster.members[member].id).max_conns;
    if (limit != 0 && *load.in_flight >= limit) barred.insert(member);
    std::uint32_t& in_flight = roster.in_flight[member];
    if (in_flight == kNotSaid) --missing;
    // What waits in the server's queue is ahead of us, too.
    in_flight = std::min(kNotSaid - 1, *load.in_flight + load.queued.value_or(0));
  }
  if (missing > 0) return {};
  return roster.in_flight;
}

// Our own counts and those of requests that we were not asked about. A server with a limit is full
// when both together reach it, or when requests wait for it.
std::span<const std::uint32_t> Backend::with_foreign(Tried& barred) noexcept {
  Roster& roster = *roster_;
  for (MemberIndex member = 0; member < roster.members.size(); ++member) {
    const std::uint32_t in_flight = own(member) + roster.counts->foreign(member);
    const std::uint32_t limit = pool_.settings(roster.members[member].id).max_conns;
    if (roster.counts->queues(member) || (limit != 0 && in_flight >= limit)) barred.insert(member);
    roster.in_flight[member] = in_flight;
  }
  return roster.in_flight;
}

std::uint32_t Backend::own(MemberIndex member) const noexcept {
  return pool_.in_flight(roster_->members[member].id);
}

void Backend::begin_counts() noexcept {
  for (MemberIndex member = 0; member < roster_->members.size(); ++member) {
    roster_->counts->ask(member, own(member));
  }
}

void Backend::note_counts(std::span<const ServerCounts> counts, TimePoint now) noexcept {
  for (const ServerCounts& server : counts) {
    if (server.backend != name_) continue;
    const auto found = roster_->by_name.find(server.server);
    if (found == roster_->by_name.end()) continue;
    roster_->counts->note(found->second, server.in_flight, server.queued, own(found->second));
  }
  roster_->counts->end(now);
}

bool Backend::may_be_lost(const Ticket& ticket, TimePoint now) noexcept {
  const std::vector<Member>& members = roster_->members;
  MemberIndex member = ticket.member;
  if (member >= members.size() || members[member].id != ticket.id) {
    const auto found = std::ranges::find(members, ticket.id, &Member::id);
    if (found == members.end()) return true;
    member = static_cast<MemberIndex>(found - members.begin());
  }
  return roster_->counts->take_lost(member, now);
}

bool Backend::update(const BackendInfo& info, std::mutex& gate, OpenPicks& open, TimePoint now) {
  if (is_same_list(info.servers)) {
    configure_changed(info.servers);
    return false;
  }
  auto roster = std::make_unique<Roster>();
  if (add_all(pool_, info, *roster)) {
    const std::lock_guard lock(gate);
    use(pool_, std::move(roster));
  } else {
    grow(info, gate, open, now);
  }
  pool_.for_each([&](EndpointId id) {
    if (std::ranges::find(roster_->members, id, &Member::id) == roster_->members.end()) {
      pool_.retire(id);
      ways_.forget(id);
    }
  });
  return true;
}

bool Backend::is_same_list(const std::vector<ServerInfo>& servers) const noexcept {
  return std::ranges::equal(servers, roster_->servers, is_same_server);
}

void Backend::configure_changed(const std::vector<ServerInfo>& servers) noexcept {
  for (std::size_t i = 0; i < servers.size(); ++i) {
    ServerInfo& known = roster_->servers[i];
    const EndpointId id = find(known.name);
    known.settings = servers[i].settings;
    if (id == kNoEndpoint) continue;
    const EndpointSettings wanted = settings_of(config_, known, i);
    // Not what is in effect: an operator may have changed that (control.h).
    if (!has_same_settings(wanted, pool_.configured(id))) pool_.configure(id, wanted);
  }
}

Pool Backend::make_pool(std::size_t capacity) {
  Pool pool;
  const auto memory = store_.create(name_, Pool::bytes_for(capacity, residency_of(config_)));
  const Status status = Pool::create(memory, capacity, pool, residency_of(config_));
  if (!status.ok()) throw std::runtime_error("backend " + name_ + ": " + status.message());
  return pool;
}

// False when the pool is full.
bool Backend::add_all(Pool& pool, const BackendInfo& info, Roster& roster) const {
  roster.servers = info.servers;
  roster.names.reserve(info.servers.size());  // by_name has views of them
  for (const ServerInfo& server : info.servers) {
    const std::string name = endpoint_name(server);
    const EndpointId id = pool.add(name);
    if (id == kNoEndpoint) return false;
    pool.configure(id, settings_of(config_, server, roster.members.size()));
    const auto member = static_cast<MemberIndex>(roster.members.size());
    roster.members.push_back({.id = id, .backup = server.backup});
    roster.by_name.emplace(roster.names.emplace_back(server.name), member);
  }
  return true;
}

// Gate held, or nobody picks yet.
void Backend::use(Pool pool, std::unique_ptr<Roster> roster) {
  Roster& r = *roster;
  r.member_at.assign(kMostArguments, kNoMember);
  r.in_flight.assign(r.members.size(), 0);
  r.counts = std::make_unique<HaproxyCounts>(r.members.size());
  const std::uint64_t seed = text_hash(name_);
  r.picker = make_picker(pool, slot_, r.members, r.picker_memory, seed);
  r.learner = make_picker(pool, slot_, r.members, r.learner_memory, ~seed);
  ways_.resize(pool.capacity());
  if (script_ != nullptr) script_->lose_pool();
  pool_ = pool;
  roster_ = std::move(roster);
}

// What is open is cancelled, as when it is overdue: its log line comes late, then, and is learned
// from in the new pool.
void Backend::grow(const BackendInfo& info, std::mutex& gate, OpenPicks& open, TimePoint now) {
  const std::size_t wanted = std::max(pool_.capacity(), info.servers.size()) * 2;
  if (info.servers.size() > kMaxEndpoints) {
    throw std::runtime_error("backend " + name_ + ": more than 65536 servers");
  }
  Pool next = make_pool(std::min(wanted, kMaxEndpoints));
  const std::lock_guard lock(gate);
  cancel_all(open, now);
  if (const Status moved = next.migrate(pool_); !moved.ok()) {
    log(LogLevel::kWarning, {"backend ", name_, ": ", moved.message()});
  }
  auto roster = std::make_unique<Roster>();
  if (!add_all(next, info, *roster)) throw std::runtime_error("backend " + name_ + ": full");
  slot_ = join(next);
  use(next, std::move(roster));
}

void Backend::retire(OpenPicks& open, TimePoint now) {
  cancel_all(open, now);
  active_ = false;
  use(pool_, std::make_unique<Roster>());
  pool_.for_each([&](EndpointId id) { pool_.retire(id); });
}

void Backend::leave(OpenPicks& open, TimePoint now) {
  cancel_all(open, now);
  active_ = false;
  pool_.leave(slot_, self());
}

void Backend::cancel_all(OpenPicks& open, TimePoint now) {
  open.for_each(
      [&](OpenTicket& t) {
        if (t.backend != this) return;
        if (t.is_answered) {
          release(t.ticket, now);
        } else {
          finish(t.ticket, kNeverSent, now);
        }
        t.ticket.id = kNoEndpoint;
      },
      now);
}

EndpointId Backend::find(std::string_view server) const noexcept {
  const auto found = roster_->by_name.find(server);
  return found == roster_->by_name.end() ? kNoEndpoint : roster_->members[found->second].id;
}

Ticket Backend::adopt(std::string_view server, TimePoint now) noexcept {
  const auto found = roster_->by_name.find(server);
  if (found == roster_->by_name.end()) return {};
  return roster_->learner.adopt(config_, {}, found->second, now);
}

// The address is part of it: a server that moved is another one, of which nothing is known. HAProxy
// has names of hundreds of characters; of those the core knows the beginning and a hash.
std::string Backend::endpoint_name(const ServerInfo& server) const {
  const std::string head = "haproxy/" + name_ + '/';
  const std::string whole = head + server.name + '@' + server.address;
  if (whole.size() <= kMaxEndpointName) return whole;
  std::array<char, 17> hash;
  std::snprintf(hash.data(), hash.size(), "%016" PRIx64,
                text_hash(server.name + '@' + server.address));
  const std::string tail =
      '~' + std::string(hash.data()) + '@' + server.address.substr(0, kMostAddressShown);
  return head + server.name.substr(0, kMaxEndpointName - head.size() - tail.size()) + tail;
}

}  // namespace leastwise::agent
