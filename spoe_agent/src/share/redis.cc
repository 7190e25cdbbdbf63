#include "share/redis.h"

#include <hiredis/hiredis.h>
#include <hiredis/sds.h>

#include <algorithm>
#include <cerrno>
#include <utility>

namespace leastwise::agent {
namespace {

timeval patience() noexcept {
  constexpr auto kUs = Redis::kPatience.count();
  return {.tv_sec = kUs / 1'000'000, .tv_usec = kUs % 1'000'000};
}

// What comes from the network goes to logs and pages.
std::string shown(std::string_view text) {
  constexpr std::size_t kMost = 120;
  std::string out(text.substr(0, kMost));
  std::ranges::replace_if(
      out, [](char c) { return c < ' ' || c > '~'; }, '?');
  return out;
}

// Why the last question failed. A timeout is EAGAIN to hiredis.
std::string reason(const redisContext& context) {
  return context.err == REDIS_ERR_IO && errno == EAGAIN ? "no answer within 0.5 s"
                                                        : shown(context.errstr);
}

}  // namespace

void Redis::Free::operator()(redisContext* context) const noexcept { ::redisFree(context); }
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
  context_.reset(::redisConnectWithTimeout(url_.host.c_str(), url_.port, patience()));
  if (context_ == nullptr) return fail("no memory");
  if (context_->err != 0) return fail(shown(context_->errstr));
  if (::redisSetTimeout(context_.get(), patience()) != REDIS_OK)
    return fail("can not set a timeout");
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
  if (replies.empty()) return false;
  for (const Reply& reply : replies) {
    if (const std::string error = error_of(*reply); !error.empty()) return fail(error);
  }
  return true;
}

std::vector<Redis::Reply> Redis::ask(const std::vector<Command>& commands) {
  for (const Command& command : commands) {
    std::vector<const char*> words;
    std::vector<std::size_t> sizes;
    for (const std::string& word : command) {
      words.push_back(word.data());
      sizes.push_back(word.size());
    }
    ::redisAppendCommandArgv(context_.get(), static_cast<int>(words.size()), words.data(),
                             sizes.data());
  }
  bytes_ += ::sdslen(context_->obuf);
  for (int done = 0; done == 0;) {
    if (::redisBufferWrite(context_.get(), &done) == REDIS_OK) continue;
    fail(reason(*context_));
    return {};
  }
  std::vector<Reply> replies;
  while (replies.size() < commands.size()) {
    replies.push_back(next_reply());
    if (replies.back() == nullptr) return {};
  }
  return replies;
}

Redis::Reply Redis::next_reply() {
  for (void* reply = nullptr;;) {
    if (::redisGetReplyFromReader(context_.get(), &reply) != REDIS_OK) break;
    if (reply != nullptr) return Reply(static_cast<redisReply*>(reply));
    const std::size_t before = context_->reader->len;
    if (::redisBufferRead(context_.get()) != REDIS_OK) break;
    bytes_ += context_->reader->len - std::min(before, context_->reader->len);
    if (context_->reader->len - context_->reader->pos <= kMostReply) continue;
    fail("an answer longer than 4 MiB");
    return {};
  }
  fail(reason(*context_));
  return {};
}

}  // namespace leastwise::agent
