#include "sim/inference/server.h"

#include <algorithm>

namespace leastwise::sim {

std::size_t BlockCache::match(const std::vector<std::uint64_t>& blocks) const {
  const auto end = std::find_if(blocks.begin(), blocks.end(),
                                [&](std::uint64_t b) { return !blocks_.contains(b); });
  return static_cast<std::size_t>(end - blocks.begin());
}

void BlockCache::evict(std::size_t room) {
  while (!unused_.empty() && pinned_ + unused_.size() + reserved_ + room > capacity_) {
    blocks_.erase(unused_.front());
    unused_.pop_front();
  }
}

bool BlockCache::take(const std::vector<std::uint64_t>& blocks, std::size_t more) {
  std::size_t fresh = more;
  for (const std::uint64_t b : blocks) {
    const auto found = blocks_.find(b);
    fresh += found == blocks_.end() || found->second.users == 0;
  }
  if (pinned_ + reserved_ + fresh > capacity_) return false;
  for (const std::uint64_t b : blocks) {
    Block& block = blocks_[b];
    if (block.users++ > 0) continue;
    if (block.place != std::list<std::uint64_t>::iterator{}) unused_.erase(block.place);
    block.place = {};
    ++pinned_;
  }
  reserved_ += more;
  evict(0);
  return true;
}

// The last blocks go first, since nobody can use them without those before.
void BlockCache::give_back(const std::vector<std::uint64_t>& blocks, std::size_t more) {
  reserved_ -= more;
  for (auto b = blocks.rbegin(); b != blocks.rend(); ++b) {
    Block& block = blocks_[*b];
    if (--block.users > 0) continue;
    block.place = unused_.insert(unused_.end(), *b);
    --pinned_;
  }
}

void BlockCache::keep(const std::vector<std::uint64_t>& blocks) {
  for (const std::uint64_t b : blocks) {
    if (blocks_.contains(b)) continue;
    evict(1);
    if (pinned_ + reserved_ + unused_.size() >= capacity_) return;
    blocks_[b].place = unused_.insert(unused_.end(), b);
  }
}

bool ModelServer::admit() {
  Call& call = *waiting_.front();
  std::vector<std::uint64_t> blocks = call.text.blocks();
  const std::size_t cached = cache_.match(blocks);
  const std::size_t more = blocks_of_answer(call);
  if (!cache_.take(blocks, more)) return false;
  call.cached_tokens = static_cast<std::uint32_t>(cached) * kBlockBytes / kTokenBytes;
  const std::uint32_t to_read = std::max(1U, call.text.tokens() - call.cached_tokens);
  running_.push_back({&call, to_read, call.answer_tokens, 0, std::move(blocks), more});
  waiting_.pop_front();
  return true;
}

double ModelServer::begin_step() {
  std::uint32_t budget = kChunk, read = 0, written = 0;
  for (Running& r : running_) {
    r.chunk = 0;
    if (r.to_read == 0) ++written;
  }
  budget -= std::min(budget, written);
  for (std::size_t i = 0; budget > 0; ++i) {
    if (i == running_.size() && (waiting_.empty() || running_.size() >= kMostRunning || !admit())) {
      break;
    }
    Running& r = running_[i];
    r.chunk = std::min(r.to_read, budget);
    budget -= r.chunk;
    read += r.chunk;
  }
  return slow * (kStep + kPerToken * read + kPerAnswer * written);
}

void ModelServer::end_step(std::vector<Call*>& began, std::vector<Call*>& ended) {
  for (Running& r : running_) {
    if (r.to_read > 0) {
      if (r.chunk == 0) continue;
      r.to_read -= r.chunk;
      if (r.to_read > 0) continue;
      began.push_back(r.call);
    }
    if (r.to_write > 0) {
      --r.to_write;
      ++r.call->written;
    }
    if (r.to_write > 0) continue;
    ended.push_back(r.call);
    cache_.give_back(r.blocks, r.more);
    cache_.keep(r.call->whole.blocks());
  }
  std::erase_if(running_, [](const Running& r) { return r.to_read == 0 && r.to_write == 0; });
}

}  // namespace leastwise::sim
