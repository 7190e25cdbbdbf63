#include "share/redis.h"

#include <hiredis/hiredis.h>

#include <algorithm>
#include <array>
#include <utility>

#include "serve/clock.h"

namespace leastwise::agent {
namespace {

// As RESP. Empty: there is no memory.
std::string bytes_of(const Redis::Command& command) {
  std::vector<const char*> words;
  std::vector<std::size_t> sizes;
  for (const std::string& word : command) {
    words.push_back(word.data());
    sizes.push_back(word.size());
  }
  char* text = nullptr;
  const int size =
      ::redisFormatCommandArgv(&text, static_cast<int>(words.size()), words.data(), sizes.data());
  if (size < 0) return {};
  std::string out(text, static_cast<std::size_t>(size));
  ::redisFreeCommand(text);
  return out;
}

}  // namespace

void Redis::Free::operator()(redisReader* reader) const noexcept { ::redisReaderFree(reader); }
void Redis::Free::operator()(redisReply* reply) const noexcept { ::freeReplyObject(reply); }

std::string error_of(const redisReply& reply) {
  return reply.type == REDIS_REPLY_ERROR ? shown({reply.str, reply.len}) : std::string();
}

bool Redis::fail(const std::string& why) {
  error_ = url_.shown() + ": " + why;
  close();
  return false;
}

bool Redis::connect() {
  reader_.reset(::redisReaderCreate());
  if (reader_ == nullptr) return fail("no memory");
  if (!wire_.open(url_, tls_)) return fail(wire_.error());
  return authenticate();
}

// With a question that Redis answers in any case: a server that hangs accepts connections.
bool Redis::authenticate() {
  std::vector<Command> hello;
  if (!url_.password.empty()) {
    hello.push_back(url_.user.empty() ? Command{"AUTH", url_.password}
                                      : Command{"AUTH", url_.user, url_.password});
  }
  hello.push_back({"PING"});
  const std::vector<Reply> replies = ask(hello);
  if (replies.empty()) {
    const bool was_ended = wire_.error() != Wire::kSilent;
    if (!url_.is_tls && was_ended) error_ += "; has it TLS at this port? rediss:// does";
    return false;
  }
  for (const Reply& reply : replies) {
    if (const std::string error = error_of(*reply); !error.empty()) return fail(error);
  }
  return true;
}

std::vector<Redis::Reply> Redis::ask(const std::vector<Command>& commands) {
  const TimePoint end = now() + kMostWait;
  std::string text;
  for (const Command& command : commands) text += bytes_of(command);
  std::vector<Reply> replies;
  if (!wire_.send(text, now() + Wire::kPatience)) return fail(wire_.error()), std::move(replies);
  while (replies.size() < commands.size()) {
    replies.push_back(next_reply(std::min(now() + Wire::kPatience, end)));
    if (replies.back() == nullptr) return {};
  }
  return replies;
}

Redis::Reply Redis::next_reply(TimePoint deadline) {
  for (std::array<char, 16384> part;;) {
    void* reply = nullptr;
    if (::redisReaderGetReply(reader_.get(), &reply) != REDIS_OK) {
      return fail(shown(reader_->errstr)), nullptr;
    }
    if (reply != nullptr) return Reply(static_cast<redisReply*>(reply));
    const std::size_t n = wire_.receive(part, deadline);
    if (n == 0) return fail(wire_.error()), nullptr;
    ::redisReaderFeed(reader_.get(), part.data(), n);
    if (reader_->len - reader_->pos <= kMostReply) continue;
    return fail("an answer longer than 4 MiB"), nullptr;
  }
}

}  // namespace leastwise::agent
