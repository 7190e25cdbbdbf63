#include "share/sharing.h"

#include <algorithm>
#include <array>
#include <cinttypes>
#include <cstdio>
#include <exception>
#include <random>
#include <stdexcept>
#include <utility>

#include "serve/clock.h"

namespace leastwise::agent {
namespace {

std::uint64_t draw() {
  std::random_device device;
  return std::uint64_t{device()} << 32 | device();
}

std::string hex(std::uint64_t number) {
  std::array<char, 17> text;
  std::snprintf(text.data(), text.size(), "%016" PRIx64, number);
  return text.data();
}

}  // namespace

Sharing::Sharing(SharedPools& pools, ShareCounters& counters, RedisUrl url, ShareTls tls)
    : pools_(pools),
      counters_(counters),
      url_(url),
      redis_(std::move(url), std::move(tls)),
      life_(draw()),
      id_(hex(draw())) {}

void Sharing::run() noexcept {
  for (;;) {
    attempt(&Sharing::round);
    rounds_.add();
    const Duration rest = now_ + sharing::Exchange::kPeriod - now();
    std::unique_lock lock(mutex_);
    if (stopped_.wait_for(lock, std::max(rest, Duration{1000}), [this] { return stopping_; }))
      break;
  }
  attempt(&Sharing::leave);
}

void Sharing::attempt(void (Sharing::*what)()) noexcept {
  try {
    (this->*what)();
  } catch (const std::exception& error) {
    redis_.close();
    note_trouble(error.what());
  }
}

void Sharing::leave() {
  if (!redis_.is_connected()) return;
  std::vector<Redis::Command> commands;
  for (const auto& [name, talk] : talks_) commands.push_back(talk.leave());
  if (!commands.empty()) note_errors(commands, redis_.ask(commands));
}

void Sharing::stop() noexcept {
  const std::lock_guard lock(mutex_);
  stopping_ = true;
  stopped_.notify_all();
}

std::string Sharing::error() const {
  const std::lock_guard lock(mutex_);
  return trouble_;
}

void Sharing::round() {
  now_ = now();
  has_trouble_ = false;
  connect();
  std::uint32_t most = 0;
  try {
    const std::vector<PoolTalk*> talks = exchange(pools_.look());
    std::vector<sharing::ServerReport> others;
    for (std::size_t i = 0; i < talks.size(); ++i) {
      // What was heard fades also when there is nobody to ask.
      const TimePoint then = now();
      const std::uint32_t tellers = talks[i]->others(then, others);
      pools_.tell(i, others, tellers, then);
      most = std::max(most, tellers);
    }
  } catch (const std::runtime_error& error) {
    note_trouble(error.what());
  }
  // Not each round asks for all that another may have found refused.
  if (redis_.is_connected() && now_ - troubled_ >= kQuiet) note_well();
  counters_.tellers.set(most);
  counters_.bytes.set(redis_.bytes());
}

void Sharing::connect() {
  if (redis_.is_connected() || now_ < next_try_) return;
  const bool connected = redis_.connect();
  next_try_ = now() + kRetry;
  if (!connected) return note_trouble(redis_.error());
  counters_.connected.set(1);
  for (auto& [name, talk] : talks_) talk.begin();
}

void Sharing::note_well() {
  {
    const std::lock_guard lock(mutex_);
    trouble_.clear();
  }
  const TroubleNews::Well well = news_.well(now_);
  if (well == TroubleNews::Well::kNoNews) return;
  log(LogLevel::kInfo,
      {"sharing by ", url_.shown(), well == TroubleNews::Well::kAgain ? " again" : ""});
}

void Sharing::note_trouble(const std::string& error) {
  const bool is_first = !std::exchange(has_trouble_, true);
  troubled_ = now_;
  counters_.errors.add();
  counters_.connected.set(redis_.is_connected() ? 1 : 0);
  if (!is_first) return;
  if (news_.trouble(error, now_)) {
    log(LogLevel::kWarning, {"sharing: ", error, "; balancing goes on without"});
  }
  const std::lock_guard lock(mutex_);
  trouble_ = error;
}

// True when all is well. Of errors of a round the first is told, with its command and key.
bool Sharing::note_errors(const std::vector<Redis::Command>& commands,
                          const std::vector<Redis::Reply>& replies) {
  if (replies.empty()) return note_trouble(redis_.error()), false;
  for (std::size_t i = 0; i < replies.size(); ++i) {
    const std::string error = error_of(*replies[i]);
    if (error.empty()) continue;
    note_trouble(url_.shown() + ": " + commands[i][0] + ' ' + commands[i][1] + ": " + error);
    return false;
  }
  return true;
}

std::vector<PoolTalk*> Sharing::exchange(std::vector<SharedPools::Look> looks) {
  std::vector<PoolTalk*> talks;
  std::vector<Redis::Command> commands;
  for (SharedPools::Look& look : looks) {
    PoolTalk& talk =
        talks_.try_emplace(look.name, url_.prefix, look.name, id_, life_).first->second;
    talk.ask(std::move(look.servers), now_, commands);
    talks.push_back(&talk);
  }
  if (redis_.is_connected() && !commands.empty()) ask(talks, commands);
  return talks;
}

void Sharing::ask(std::span<PoolTalk* const> talks, const std::vector<Redis::Command>& commands) {
  const std::vector<Redis::Reply> replies = redis_.ask(commands);
  note_errors(commands, replies);
  const TimePoint came = now();
  for (std::span rest(replies); PoolTalk * talk : talks) {
    if (rest.empty()) return;
    talk->take(rest.first(talk->asked()), came, counters_);
    rest = rest.subspan(talk->asked());
  }
}

}  // namespace leastwise::agent
