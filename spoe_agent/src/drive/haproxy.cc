#include "drive/haproxy.h"

#include <algorithm>
#include <utility>

#include "serve/log.h"

namespace leastwise::drive {
namespace {

using agent::log;
using agent::LogLevel;
using agent::ServerInfo;
using discovery::Action;
using discovery::State;
using discovery::Step;
using discovery::Target;

constexpr Duration kLook = std::chrono::milliseconds(100);  // whether a round of the client is due
constexpr std::uint32_t kMostWeight = 256;                  // HAProxy's

// "10.0.0.1 port 80" of "10.0.0.1:80" or "[::1]:80".
std::string with_port(std::string_view address) {
  const std::size_t colon = address.rfind(':');
  std::string host(address.substr(0, colon));
  if (host.starts_with('[')) host = host.substr(1, host.size() - 2);
  return host + " port " + std::string(address.substr(colon + 1));
}

std::string weight_command(const std::string& head, std::uint32_t weight) {
  return head + "weight " + std::to_string(std::clamp(weight, 1U, kMostWeight));
}

const char* state_of(const Target& target) noexcept {
  return target.state == State::kDraining ? "state drain" : "state ready";
}

}  // namespace

SlotView view_slots(const agent::BackendInfo& backend) {
  SlotView view;
  std::vector<std::string> busy;
  for (const ServerInfo& s : backend.servers) {
    if (s.is_slot && s.in_maintenance) {
      (s.figures.current > 0 ? busy : view.free).push_back(s.name);
      continue;
    }
    view.members.push_back({.id = s.name,
                            .address = s.address,
                            .state = s.is_drained ? State::kDraining : State::kUp,
                            .backup = false,
                            .ours = s.is_slot});
  }
  std::ranges::move(busy, std::back_inserter(view.free));
  return view;
}

// A slot that had another weight before is given that of its configuration back.
std::vector<std::string> commands_for(const std::vector<Step>& steps, const std::string& backend,
                                      const SlotView& slots) {
  std::vector<std::string> commands;
  std::vector<std::string> free = slots.free;
  std::ranges::reverse(free);
  for (const Step& step : steps) {
    std::string id = step.id;
    if (step.action == Action::kAdd) {
      if (free.empty()) continue;  // see leave_out()
      id = std::move(free.back());
      free.pop_back();
    }
    const std::string head = "set server " + backend + '/' + id + ' ';
    switch (step.action) {
      case Action::kAdd:
        commands.push_back(head + "addr " + with_port(step.address));
        commands.push_back(step.target.weight == 1 ? head + "weight 100%"
                                                   : weight_command(head, step.target.weight));
        commands.push_back(head + state_of(step.target));
        break;
      case Action::kReady:
      case Action::kDrain:
        commands.push_back(head + state_of(step.target));
        break;
      case Action::kWeigh:
        commands.push_back(weight_command(head, step.target.weight));
        break;
      case Action::kPlace:  // the agent's, not HAProxy's
        break;
      case Action::kRemove:
        commands.push_back(head + "state maint");
        free.insert(free.begin(), id);
        break;
    }
  }
  return commands;
}

discovery::Targets without_backups(const discovery::Targets& targets) {
  const bool has_first = std::ranges::any_of(targets, [](auto& t) { return !t.second.backup; });
  discovery::Targets out;
  for (const auto& [address, target] : targets) {
    if (target.backup && has_first) continue;
    out.emplace(address, target).first->second.backup = false;
  }
  return out;
}

bool is_said_of_success(std::string_view answer) noexcept {
  return answer.starts_with("IP changed") || answer.starts_with("port changed") ||
         answer.starts_with("no need to change") || answer.starts_with("nothing changed");
}

HaproxyDriver::HaproxyDriver(agent::Address socket, std::string backend,
                             std::unique_ptr<AgentZones> zones)
    : backend_(std::move(backend)), zones_(std::move(zones)) {
  client_.ask(std::move(socket), {backend_});
}

void HaproxyDriver::want(const discovery::Targets& targets) {
  wanted_ = without_backups(targets);
  figures_.is_settled = false;
  client_.hurry();
  if (zones_) zones_->want(targets);
}

TimePoint HaproxyDriver::poll(TimePoint now) {
  if (client_.poll(now)) fail(client_.error());
  return zones_ ? std::min(now + kLook, zones_->poll(now)) : now + kLook;
}

void HaproxyDriver::add_descriptors(std::vector<pollfd>& out) const {
  if (client_.descriptor() < 0) return;
  out.push_back({.fd = client_.descriptor(), .events = client_.events(), .revents = 0});
}

void HaproxyDriver::on_ready(const pollfd& fd, TimePoint now) {
  if (fd.fd != client_.descriptor()) return;
  switch (client_.on_ready(now)) {
    case agent::RuntimeClient::Progress::kAnswered:
      return on_servers();
    case agent::RuntimeClient::Progress::kTold:
      return on_told();
    case agent::RuntimeClient::Progress::kFailed:
      return fail(client_.error());
    case agent::RuntimeClient::Progress::kGoesOn:
      break;
  }
}

void HaproxyDriver::on_servers() {
  ++figures_.asked;
  std::vector<agent::BackendInfo> backends = client_.take();
  if (backends.empty()) return fail("HAProxy has no backend of that name, or it has no server");
  if (std::ranges::none_of(backends.front().servers, &ServerInfo::is_slot)) {
    return fail(
        "it has no slots: servers that its configuration has \"disabled\", such as "
        "\"server-template app 64 127.0.0.1:1 check disabled\"");
  }
  if (!trouble_.empty()) log(LogLevel::kInfo, {"backend ", backend_, ": HAProxy answers again"});
  trouble_.clear();
  if (wanted_) plan(view_slots(backends.front()));
}

void HaproxyDriver::plan(const SlotView& slots) {
  figures_.servers = static_cast<std::size_t>(
      std::ranges::count_if(slots.members, [](auto& m) { return m.ours; }));
  discovery::adopt(*wanted_, slots.members, told_);
  std::vector<Step> steps = discovery::reconcile(*wanted_, slots.members, told_, slots.free.size());
  leave_out(steps, slots.free.size());
  figures_.is_settled = steps.empty() && lacking_ == 0;
  if (steps.empty()) return;
  for (const Step& step : steps) {
    discovery::note(step, told_);
    count(step.action);
    log(LogLevel::kDebug, {"backend ", backend_, ": ", step.address, " ", verb_of(step.action)});
  }
  log_changes("backend " + backend_);
  client_.tell(commands_for(steps, backend_, slots));
  client_.hurry();  // to look whether it took effect
}

// Those for whom there is no slot, though some leave: the last that join. Each round counts them,
// as nginx refuses them each time.
void HaproxyDriver::leave_out(std::vector<Step>& steps, std::size_t free) {
  const auto of = [&](Action action) {
    return static_cast<std::size_t>(std::ranges::count(steps, action, &Step::action));
  };
  const std::size_t adds = of(Action::kAdd), room = free + of(Action::kRemove);
  const std::size_t lacking = adds > room ? adds - room : 0;
  for (std::size_t i = steps.size(), left = lacking; left > 0; --i) {
    if (steps[i - 1].action != Action::kAdd) continue;
    steps.erase(steps.begin() + static_cast<std::ptrdiff_t>(i - 1));
    --left;
  }
  if (lacking > 0 && lacking != lacking_) {
    log(LogLevel::kWarning, {"backend ", backend_, ": no slot for ", std::to_string(lacking),
                             " of them: enlarge its server-template"});
  }
  lacking_ = lacking;
  count_refused(lacking);
}

void HaproxyDriver::on_told() {
  figures_.asked += client_.told();
  for (const agent::RuntimeClient::Refusal& r : client_.refused()) {
    if (is_said_of_success(r.reason)) continue;
    ++figures_.refused;
    log(LogLevel::kWarning,
        {"backend ", backend_, ": HAProxy refuses \"", r.command, "\": ", r.reason});
  }
}

void HaproxyDriver::fail(std::string why) {
  ++figures_.asked;
  ++figures_.unanswered;
  figures_.is_settled = false;
  if (why == trouble_) return;
  trouble_ = std::move(why);
  log(LogLevel::kWarning,
      {"backend ", backend_, ": ", trouble_, "; HAProxy goes on with the servers that it has"});
}

}  // namespace leastwise::drive
