#include "share/sharing.h"

#include <hiredis/hiredis.h>

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

constexpr float kBytesPerSecond = 30e3F;
constexpr Duration kSlowestRead = std::chrono::seconds(1);
constexpr std::size_t kMostId = 64;

std::uint64_t draw() {
  std::random_device device;
  return std::uint64_t{device()} << 32 | device();
}

std::string hex(std::uint64_t number) {
  std::array<char, 17> text;
  std::snprintf(text.data(), text.size(), "%016" PRIx64, number);
  return text.data();
}

std::string_view text_of(const redisReply& reply) noexcept {
  return reply.type == REDIS_REPLY_STRING ? std::string_view(reply.str, reply.len)
                                          : std::string_view();
}

}  // namespace

Sharing::Sharing(SharedPools& pools, ShareCounters& counters, RedisUrl url)
    : pools_(pools),
      counters_(counters),
      url_(url),
      redis_(std::move(url)),
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

// Else who starts again at once would hear what he had himself.
void Sharing::leave() {
  if (!redis_.is_connected()) return;
  std::vector<Redis::Command> commands;
  for (const auto& [name, shared] : shared_) commands.push_back({"SREM", key(name, "who"), id_});
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
    std::vector<SharedPools::Look> looks = pools_.look();
    for (std::size_t i = 0; i < looks.size(); ++i) {
      most = std::max(most, share(i, std::move(looks[i])));
    }
  } catch (const std::runtime_error& error) {
    note_trouble(error.what());
  }
  if (redis_.is_connected() && !has_trouble_) note_well();
  counters_.tellers.set(most);
  counters_.bytes.set(redis_.bytes());
}

void Sharing::connect() {
  if (redis_.is_connected() || now_ < next_try_) return;
  const bool connected = redis_.connect();
  next_try_ = now() + kRetry;
  if (!connected) return note_trouble(redis_.error());
  counters_.connected.set(1);
}

void Sharing::note_well() {
  const std::lock_guard lock(mutex_);
  if (trouble_.empty()) return;
  trouble_.clear();
  log(LogLevel::kInfo, {"sharing by ", url_.shown(), told_.empty() ? "" : " again"});
  told_.clear();
}

void Sharing::note_trouble(const std::string& error) {
  const bool is_first = !std::exchange(has_trouble_, true);
  counters_.errors.add();
  counters_.connected.set(redis_.is_connected() ? 1 : 0);
  if (!is_first) return;
  const bool is_time = may_complain_.allows(now_);
  if (is_time || error != told_) {
    log(LogLevel::kWarning, {"sharing: ", error, "; balancing goes on without"});
    told_ = error;
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

std::string Sharing::key(const std::string& pool, std::string_view last) const {
  return url_.prefix + ":1:{" + pool + "}:" + std::string(last);
}

std::uint32_t Sharing::share(std::size_t place, SharedPools::Look look) {
  Shared& shared = shared_.try_emplace(look.name, life_).first->second;
  const std::string report = shared.exchange.tell(std::move(look.servers));
  // What was heard fades also when there is nobody to ask.
  if (redis_.is_connected()) exchange(look.name, shared, report);
  std::vector<sharing::ServerReport> others;
  const TimePoint then = now();
  const std::uint32_t tellers = shared.exchange.others(then, others);
  pools_.tell(place, others, tellers, then);
  return tellers;
}

void Sharing::exchange(const std::string& name, Shared& shared, const std::string& report) {
  std::vector<Redis::Command> commands = {{"SET", key(name, id_), report, "PX", "5000"}};
  const bool reads = now_ >= shared.next_read;
  if (reads) {
    const std::string who = key(name, "who");
    commands.push_back({"SADD", who, id_});
    commands.push_back({"PEXPIRE", who, "60000"});
    commands.push_back({"SRANDMEMBER", who, std::to_string(sharing::Gathering::kMostTellers)});
  }
  const std::vector<Redis::Reply> replies = redis_.ask(commands);
  note_errors(commands, replies);
  if (replies.empty()) return;
  if (replies.front()->type != REDIS_REPLY_ERROR) counters_.told.add();
  if (reads) hear(name, shared, *replies.back());
}

// Values are cut off: who writes more under our keys than a report can be is refused unread.
void Sharing::hear(const std::string& name, Shared& shared, const redisReply& who) {
  constexpr std::size_t kMostValue = 24 + 8 * sharing::kMostServers + 1;
  std::vector<Redis::Command> commands;
  std::vector<std::string> ids;
  for (std::size_t i = 0; who.type == REDIS_REPLY_ARRAY && i < who.elements; ++i) {
    const std::string_view id = text_of(*who.element[i]);
    if (id == id_) continue;
    if (id.empty() || id.size() > kMostId) {
      counters_.refused.add();
      continue;
    }
    ids.emplace_back(id);
    commands.push_back({"GETRANGE", key(name, id), "0", std::to_string(kMostValue)});
  }
  const std::uint64_t before = redis_.bytes();
  const std::vector<Redis::Reply> replies =
      commands.empty() ? std::vector<Redis::Reply>() : redis_.ask(commands);
  if (!commands.empty() && replies.empty()) return note_trouble(redis_.error());
  const TimePoint came = now();
  std::vector<Redis::Command> gone;
  for (std::size_t i = 0; i < replies.size(); ++i) {
    const std::string_view value = text_of(*replies[i]);
    if (replies[i]->type == REDIS_REPLY_STRING && value.empty()) {
      gone.push_back({"SREM", key(name, "who"), ids[i]});
      continue;
    }
    const bool is_report = shared.exchange.hear(ids[i], value, came);
    (is_report ? counters_.heard : counters_.refused).add();
  }
  if (!gone.empty()) note_errors(gone, redis_.ask(gone));
  const auto bytes = static_cast<float>(redis_.bytes() - before);
  const auto pause = Duration{static_cast<std::int64_t>(1e6F * bytes / kBytesPerSecond)};
  shared.next_read = now_ + std::clamp(pause, sharing::Exchange::kPeriod, kSlowestRead);
}

}  // namespace leastwise::agent
