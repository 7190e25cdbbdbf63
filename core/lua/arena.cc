#include "lua/arena.h"

#include <sys/mman.h>

#include <algorithm>
#include <bit>
#include <cstring>

namespace leastwise::lua {
namespace {

constexpr std::size_t kLeast = 16;

// Four sizes in each power of two, so that at most a fifth of a block is lost.
std::size_t class_of(std::size_t size) noexcept {
  if (size <= kLeast) return 0;
  const auto power = static_cast<std::size_t>(std::bit_width(size - 1)) - 1;  // 2^power < size
  const std::size_t quarter = (size - 1) >> (power - 2) & 3;
  return (power - 4) * 4 + quarter + 1;
}
std::size_t size_of(std::size_t kind) noexcept {
  if (kind == 0) return kLeast;
  const std::size_t power = (kind - 1) / 4 + 4;
  const std::size_t size = (std::size_t{4} + (kind - 1) % 4 + 1) << (power - 2);
  return (size + 7) & ~std::size_t{7};
}

}  // namespace

Arena::~Arena() {
  if (memory_ != nullptr) munmap(memory_, kSize);
}

bool Arena::open() noexcept {
  if (memory_ != nullptr) return true;
  void* memory = mmap(nullptr, kSize, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (memory == MAP_FAILED) return false;
  memory_ = static_cast<std::byte*>(memory);
  return true;
}

void Arena::clear() noexcept {
  if (memory_ != nullptr) madvise(memory_, kSize, MADV_DONTNEED);
  end_ = used_ = 0;
  has_refused_ = false;
  free_ = {};
}

void* Arena::reallocate(void* block, std::size_t old_size, std::size_t size) noexcept {
  if (block != nullptr && size != 0 && class_of(old_size) == class_of(size)) return block;
  void* moved = nullptr;
  if (size != 0) {
    moved = allocate(size);
    if (moved == nullptr) {
      has_refused_ = true;
      return nullptr;
    }
    if (block != nullptr) std::memcpy(moved, block, std::min(old_size, size));
  }
  if (block != nullptr) {
    const std::size_t kind = class_of(old_size);
    used_ -= size_of(kind);
    auto* freed = static_cast<Free*>(block);
    freed->next = free_[kind];
    free_[kind] = freed;
  }
  return moved;
}

void* Arena::allocate(std::size_t size) noexcept {
  if (size > kLargest) return nullptr;
  const std::size_t kind = class_of(size);
  ++allocations_;
  used_ += size_of(kind);
  if (Free* first = free_[kind]; first != nullptr) {
    free_[kind] = first->next;
    return first;
  }
  if (size_of(kind) <= kSize - end_) {
    void* block = memory_ + end_;
    end_ += size_of(kind);
    return block;
  }
  void* block = from_larger(kind);
  if (block == nullptr) used_ -= size_of(kind);
  return block;
}

// A block of another size, when there is no room beside them: what it has too much is lost until
// the arena is cleared, for it comes back as one of the smaller size.
void* Arena::from_larger(std::size_t kind) noexcept {
  for (std::size_t larger = kind + 1; larger < kClasses; ++larger) {
    if (Free* first = free_[larger]; first != nullptr) {
      free_[larger] = first->next;
      return first;
    }
  }
  return nullptr;
}

}  // namespace leastwise::lua
