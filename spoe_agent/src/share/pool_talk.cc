#include "share/pool_talk.h"

#include <hiredis/hiredis.h>

#include <algorithm>
#include <utility>

namespace leastwise::agent {
namespace {

constexpr Duration kSlowestRead = std::chrono::seconds(1);
// Who writes more under our keys than a report can be is refused unread.
constexpr std::size_t kMostValue = 24 + 8 * sharing::kMostServers + 1;
constexpr std::size_t kAround = 64;  // bytes of a question and its answer, but for key and value
// Taken out of the set of ids in one round, of what is no id: a set of such is large.
constexpr std::size_t kMostSwept = std::size_t{256} << 10;

std::string_view text_of(const redisReply& reply) noexcept {
  return reply.type == REDIS_REPLY_STRING ? std::string_view(reply.str, reply.len)
                                          : std::string_view();
}

bool is_id(std::string_view text) noexcept {
  constexpr std::size_t kDigits = 16;
  return text.size() == kDigits && text.find_first_not_of("0123456789abcdef") == text.npos;
}

Duration pause_after(std::size_t bytes) noexcept {
  const float us = 1e6F * static_cast<float>(bytes) / PoolTalk::kBytesPerSecond;
  return std::min(Duration{static_cast<std::int64_t>(us)}, kSlowestRead);
}

}  // namespace

void PoolTalk::begin() noexcept {
  ids_.clear();
  gone_.clear();
  next_read_ = {};
}

void PoolTalk::ask(std::vector<sharing::ServerReport> own, TimePoint now,
                   std::vector<Redis::Command>& out) {
  const std::size_t before = out.size();
  out.push_back({"SET", key(id_), exchange_.tell(std::move(own)), "PX", "5000"});
  const std::string who = key("who");
  for (std::string& id : gone_) out.push_back({"SREM", who, std::move(id)});
  farewells_ = std::exchange(gone_, {}).size();
  reads_ = now >= next_read_;
  if (reads_) {
    out.push_back({"SADD", who, id_});
    out.push_back({"PEXPIRE", who, "60000"});
    out.push_back({"SRANDMEMBER", who, std::to_string(sharing::Gathering::kMostTellers)});
    for (const std::string& id : ids_) {
      out.push_back({"GETRANGE", key(id), "0", std::to_string(kMostValue)});
    }
  }
  asked_ = out.size() - before;
}

void PoolTalk::take(std::span<const Redis::Reply> replies, TimePoint now, ShareCounters& counters) {
  if (replies.front()->type != REDIS_REPLY_ERROR) counters.told.add();
  if (!reads_) return;
  constexpr std::size_t kWho = 2;  // after SADD and PEXPIRE
  replies = replies.subspan(1 + farewells_);
  const std::size_t of_reports = hear(replies.subspan(kWho + 1), now, counters);
  const std::size_t known = ids_.size();
  const std::size_t of_ids = learn_ids(*replies[kWho], counters);
  // Who is new is not kept waiting for what the others took.
  next_read_ = now + pause_after(ids_.size() > known ? of_ids : of_ids + of_reports);
}

std::size_t PoolTalk::hear(std::span<const Redis::Reply> values, TimePoint now,
                           ShareCounters& counters) {
  std::size_t bytes = 0;
  for (std::size_t i = 0; i < values.size(); ++i) {
    const std::string_view value = text_of(*values[i]);
    bytes += keys_.size() + ids_[i].size() + value.size() + kAround;
    if (values[i]->type == REDIS_REPLY_STRING && value.empty()) {
      gone_.push_back(ids_[i]);
      continue;
    }
    const bool is_report = exchange_.hear(ids_[i], value, now);
    (is_report ? counters.heard : counters.refused).add();
  }
  return bytes;
}

std::size_t PoolTalk::learn_ids(const redisReply& who, ShareCounters& counters) {
  if (who.type != REDIS_REPLY_ARRAY) return 0;
  ids_.clear();
  std::size_t bytes = 0, swept = 0;
  for (std::size_t i = 0; i < who.elements; ++i) {
    const std::string_view id = text_of(*who.element[i]);
    bytes += id.size();
    if (id == id_ || std::ranges::find(gone_, id) != gone_.end()) continue;
    if (is_id(id)) {
      ids_.emplace_back(id);
      continue;
    }
    counters.refused.add();
    if (swept >= kMostSwept) continue;
    swept += id.size();
    gone_.emplace_back(id);
  }
  return bytes;
}

}  // namespace leastwise::agent
