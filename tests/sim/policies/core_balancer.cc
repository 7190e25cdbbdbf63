#include "policies/core_balancer.h"

#include <chrono>
#include <cmath>
#include <iostream>
#include <stdexcept>
#include <string>

#include "leastwise/rng.h"

namespace leastwise::sim {
namespace {

// Not at zero: a clock rarely is, and zero means "never" in some words of the core.
constexpr TimePoint kStart{std::chrono::hours(3)};

Duration from_ms(double ms) { return Duration(std::llround(ms * 1000)); }

void check(const Status& status) {
  if (!status.ok()) throw std::runtime_error(status.message());
}

std::span<std::byte> bytes(auto& lines) {
  return std::as_writable_bytes(std::span(lines.data(), lines.size()));
}

Result result_of(Ending ending) {
  switch (ending) {
    case Ending::kOk:
      return Result::kOk;
    case Ending::kError:
      return Result::kServerError;
    case Ending::kTimeout:
      return Result::kTimeout;
    case Ending::kNoServer:
      return Result::kReset;
  }
  return Result::kOk;
}

std::string name_in(const std::vector<std::string>& names, std::uint32_t number) {
  return number < names.size() ? names[number] : std::to_string(number);
}

}  // namespace

CoreBalancer::CoreBalancer(const World& world, const Config& config, std::uint64_t seed,
                           std::unique_ptr<lua::Script> script)
    : world_(world), config_(config), script_(std::move(script)) {
  if (script_ != nullptr && script_->policy() != nullptr) config_.policy = script_->policy();
  const std::size_t servers = world.scenario.servers;
  pool_memory_ = lines(Pool::bytes_for(servers));
  picker_memory_ = lines(Picker::bytes_for(servers));
  check(Pool::create(bytes(pool_memory_), servers, pool_));
  std::vector<Member> members;
  for (std::size_t i = 0; i < servers; ++i) {
    const auto& names = world.scenario.server_names;
    endpoints_.push_back(
        pool_.add("sim/" + (i < names.size() ? names[i] : "server" + std::to_string(i))));
    const auto& weights = world.scenario.weights;
    pool_.configure(endpoints_.back(), {.weight = weights[i % weights.size()],
                                        .flags = flags_of(static_cast<std::uint32_t>(i))});
    members.push_back({.id = endpoints_.back()});
  }
  slot_ = pool_.join({.pid = 1}, [](Incarnation) { return true; });
  check(Picker::create(pool_, slot_, members, bytes(picker_memory_), seed, picker_));
}

std::optional<std::uint32_t> CoreBalancer::pick(const Job& job) {
  if (job.id >= tickets_.size()) tickets_.resize(job.id + 1);
  Tried tried;
  const Request request = request_of(job);
  Ticket& ticket = tickets_[job.id];
  ticket = picker_.pick(config_, request, tried, now());
  ++picks_;
  if (ticket.reason == Reason::kScriptFault) ++faults_;
  if (!ticket) return {};
  return ticket.member;
}

bool CoreBalancer::text_of(const void* asked, lua::What what, std::string_view,
                           std::string_view& out) noexcept {
  const auto& self = *static_cast<const CoreBalancer*>(asked);
  if (what == lua::What::kRoute) return out = self.route_, true;
  if (what == lua::What::kKey) return out = self.key_, !self.key_.empty();
  return false;
}

std::uint64_t CoreBalancer::told(lua::Call call, std::uint64_t otherwise) {
  std::string_view text;
  if (!script_->has(call) || !script_->tell(call, now(), text)) return otherwise;
  return Rng(std::hash<std::string_view>{}(text)).next();
}

Request CoreBalancer::request_of(const Job& job) {
  const Scenario& scenario = world_.scenario;
  const std::uint64_t key = scenario.prefixes.groups > 0 ? Rng(job.prefix + 1).next() : 0;
  Request request{.route = Rng(job.route + 1).next(), .key = key, .in_flight = {}};
  if (script_ == nullptr) return request;
  route_ = name_in(scenario.route_names, job.route);
  key_ = key != 0 ? name_in(scenario.prefixes.names, job.prefix) : std::string();
  script_->about({.text = text_of, .number = nullptr}, this);
  request.route = told(lua::Call::kRoute, request.route);
  request.key = told(lua::Call::kKey, request.key);
  return request;
}

CoreBalancer::~CoreBalancer() {
  if (faults_ == 0) return;
  std::cerr << "the script failed for " << faults_ << " of " << picks_
            << " requests, where adaptive chose: the row is not the script's alone\n";
}

void CoreBalancer::finish(const Job& job, const Answer& answer) {
  if (job.answered) return picker_.release(config_, tickets_[job.id], now());
  Outcome outcome{.result = result_of(answer.ending),
                  .status = std::uint16_t{0},
                  .occupied = from_ms(answer.latency_ms)};
  if (world_.scenario.round_trips != 0) {
    outcome.round_trip = from_ms(world_.servers[tickets_[job.id].member].rtt());
  }
  if (answer.report) {
    const auto utilisation = static_cast<float>(answer.report->utilisation);
    outcome.report = {LoadReport::State::kGood, utilisation, LoadReport::kUnknown, utilisation};
  }
  picker_.finish(config_, tickets_[job.id], outcome, now());
  if (pool_.is_behind(slot_)) pool_.catch_up(config_, now());
}

void CoreBalancer::answered(const Job& job, const Answer& answer) {
  const Outcome outcome{.status = std::uint16_t{200}, .occupied = from_ms(answer.latency_ms)};
  picker_.answered(config_, tickets_[job.id], outcome, now());
  if (pool_.is_behind(slot_)) pool_.catch_up(config_, now());
}

void CoreBalancer::server_down(std::uint32_t server) { set_flags(server, kDown); }
void CoreBalancer::server_up(std::uint32_t server) { set_flags(server, 0); }
void CoreBalancer::tick() {
  if (shares_) sharing_.take_in(pool_, now(), true);
  pool_.tick(config_, now());
  if (script_ == nullptr) return;
  script_->tick(now());
  lua::Script::News news;
  if (script_->news(now(), news)) {
    std::cerr << news.error << " (adaptive chose instead; " << news.faults
              << " times so far; told once a minute)\n";
  }
}

std::string CoreBalancer::tell() { return sharing_.tell(pool_); }

void CoreBalancer::hear(std::uint32_t teller, const std::string& told) {
  if (shares_ && !sharing_.hear(std::to_string(teller), told, now()))
    throw std::runtime_error("no report");
}

std::uint32_t CoreBalancer::flags_of(std::uint32_t server) const {
  const auto& remote = world_.scenario.remote;
  return remote[server % remote.size()] != 0 ? std::uint32_t{kRemote} : 0U;
}

void CoreBalancer::set_flags(std::uint32_t server, std::uint32_t flags) {
  EndpointSettings settings = pool_.settings(endpoints_[server]);
  settings.flags = flags | flags_of(server);
  pool_.configure(endpoints_[server], settings);
}

TimePoint CoreBalancer::now() const { return kStart + from_ms(world_.now); }

}  // namespace leastwise::sim
