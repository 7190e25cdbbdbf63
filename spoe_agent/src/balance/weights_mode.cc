#include "balance/weights_mode.h"

#include <algorithm>
#include <iterator>

#include "serve/log.h"

namespace leastwise::agent {
namespace {

// HAProxy's reason, and what to do.
std::string reason_of(const std::string& refusal) {
  if (refusal.find("Permission denied") != refusal.npos) {
    return "HAProxy does not let weights be set here: the stats socket needs \"level admin\"";
  }
  if (refusal.find("static LB algorithm") != refusal.npos) {
    return "its balance knows no weights at run time: use \"balance random(2)\"";
  }
  return "HAProxy refuses: " + refusal;
}

// From the network, into a log.
std::string printable(std::string_view text) {
  std::string out(text.substr(0, std::min<std::size_t>(text.size(), 100)));
  std::ranges::replace_if(
      out, [](char c) { return c < ' ' || c > '~' || c == '"'; }, '?');
  return out;
}

std::string words_of(const std::string& backend, const std::string& reason) {
  return "backend " + backend + ": weights are not steered: " + reason;
}

}  // namespace

bool WeightsMode::is_ours(const std::string& name) const {
  return std::ranges::any_of(registry_.backends(), [&](const auto& backend) {
    return backend->active() && backend->mode() == Mode::kWeights && backend->name() == name;
  });
}

WeightsMode::Commands WeightsMode::on_servers(const std::vector<BackendInfo>& infos,
                                              std::uint32_t pid, TimePoint now) {
  Commands all;
  for (BackendInfo info : infos) {
    if (!is_ours(info.name)) continue;
    note_who_asks(info, now);
    Steering& steering = steering_of(info, pid);
    Commands some = steering.on_servers(info, pid, now);
    const std::vector<Steering::View> view = steering.view();
    // Before HAProxy is told: after a crash what was told, or not, is nobody's wish.
    memory_.at(info.name).keep(view, pid);
    answers_.set(info.name, view);
    std::ranges::move(some, std::back_inserter(all));
    judge(info.name, steering, now);
  }
  complain_of_missing(infos);
  complain_of_stranger(now);
  show();
  return all;
}

void WeightsMode::note_who_asks(BackendInfo& info, TimePoint now) const {
  for (ServerInfo& server : info.servers) {
    server.asks_us = server.has_agent_check && answers_.asks(info.name, server.name, now);
  }
}

void WeightsMode::judge(const std::string& backend, const Steering& steering, TimePoint now) {
  if (steering.obstacle().empty()) {
    obstructed_.erase(backend);
    if (!steering.is_paused()) withdraw(backend);
    return;
  }
  const TimePoint since = obstructed_.try_emplace(backend, now).first->second;
  if (has_checks_ && now - since < kFirstCheck) return;
  complain(backend, obstacle_words(backend, steering.obstacle()));
}

std::string WeightsMode::obstacle_words(const std::string& backend,
                                        const std::string& server) const {
  if (!has_checks_) {
    return "server " + server +
           " has an agent-check, which may set its weight, too: take it out, or use mode pick";
  }
  return "server " + server + " has an agent-check that does not ask at agent_check: give it " +
         "agent-send \"" + backend + '/' + server + "\\n\" and our port, or take it out";
}

// A name that nobody meant would leave its server at the configured weight, without a word.
void WeightsMode::complain_of_stranger(TimePoint now) {
  const std::string name = answers_.stranger(now);
  if (name.empty()) return stranger_.clear();
  if (name == stranger_) return;
  stranger_ = name;
  log(LogLevel::kWarning,
      {"agent_check: asked about \"", printable(name),
       "\", which is no server of a backend of mode weights: its agent-send has to be "
       "\"BACKEND/SERVER\\n\""});
}

Steering& WeightsMode::steering_of(const BackendInfo& info, std::uint32_t pid) {
  const auto [found, is_new] = backends_.try_emplace(info.name);
  if (!is_new) return found->second;
  const auto memory = memory_.try_emplace(info.name, store_, info.name).first;
  memory->second.recall(info, pid, found->second);
  return found->second;
}

void WeightsMode::complain_of_missing(const std::vector<BackendInfo>& infos) {
  for (const auto& backend : registry_.backends()) {
    const std::string& name = backend->name();
    if (!is_ours(name) || std::ranges::find(infos, name, &BackendInfo::name) != infos.end()) {
      continue;
    }
    complain(name,
             "HAProxy has no backend of that name with servers: give it the name that haproxy.cfg "
             "has, or reload HAProxy");
  }
}

void WeightsMode::on_told(std::size_t commands, std::span<const RuntimeClient::Refusal> refused) {
  counters_.weights_told.add(commands - refused.size());
  for (const auto& [command, reason] : refused) {
    counters_.weights_refused.add();
    constexpr std::string_view kHead = "set server ";
    const std::size_t slash = command.find('/');
    const auto found = backends_.find(command.substr(kHead.size(), slash - kHead.size()));
    // A server that went meanwhile.
    if (found == backends_.end() || reason.find("No such server") != reason.npos) continue;
    found->second.pause();
    complain(found->first, reason_of(reason));
  }
  show();
}

// Once for each reason, until it is over.
void WeightsMode::complain(const std::string& backend, const std::string& reason) {
  std::string& said = complaints_[backend];
  if (said == reason) return;
  said = reason;
  log(LogLevel::kWarning, {words_of(backend, reason)});
}

void WeightsMode::withdraw(const std::string& backend) {
  if (complaints_.erase(backend) == 0) return;
  log(LogLevel::kInfo, {"backend ", backend, ": weights can be steered again"});
}

WeightsMode::Commands WeightsMode::give_back_what_left() {
  Commands all;
  for (auto& [name, steering] : backends_) {
    if (is_ours(name)) continue;
    Commands some = steering.give_back(name);
    std::ranges::move(some, std::back_inserter(all));
    answers_.set(name, {});
  }
  std::erase_if(backends_, [&](const auto& entry) { return !is_ours(entry.first); });
  std::erase_if(obstructed_, [&](const auto& entry) { return !is_ours(entry.first); });
  std::erase_if(complaints_, [&](const auto& entry) { return !is_ours(entry.first); });
  show();
  return all;
}

WeightsMode::Commands WeightsMode::give_back_all() {
  Commands all;
  for (auto& [name, steering] : backends_) {
    Commands some = steering.give_back(name);
    std::ranges::move(some, std::back_inserter(all));
  }
  backends_.clear();
  return all;
}

void WeightsMode::show() {
  std::vector<View> next;
  for (const auto& [name, steering] : backends_) next.push_back({name, steering.view()});
  std::vector<LearningWatch::Warning> warnings;
  for (const auto& [name, reason] : complaints_) {
    warnings.push_back({LearningWatch::kNotSteered, words_of(name, reason)});
  }
  const std::lock_guard lock(mutex_);
  view_.swap(next);
  warnings_.swap(warnings);
}

std::vector<LearningWatch::Warning> WeightsMode::warnings() const {
  const std::lock_guard lock(mutex_);
  return warnings_;
}

std::vector<WeightsMode::View> WeightsMode::view() const {
  const std::lock_guard lock(mutex_);
  return view_;
}

}  // namespace leastwise::agent
