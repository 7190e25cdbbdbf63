#include "lua/state.h"

#include <sys/mman.h>

#include <algorithm>
#include <cstring>
#include <ctime>
#include <lua.hpp>

#include "lua/embedded.h"

namespace leastwise::lua {
namespace {

// Checks until the next look at the clock.
constexpr std::int32_t kChecks = 16;
// A block of so many bytes takes long enough to look at the clock before the next.
constexpr std::size_t kLargeBlock = 4096;
constexpr State::Nanoseconds kGrace = std::chrono::microseconds(200);

// Of the system, also where the core's time is simulated.
State::Nanoseconds now(clockid_t clock = CLOCK_MONOTONIC) noexcept {
  timespec t;
  clock_gettime(clock, &t);
  return std::chrono::seconds(t.tv_sec) + State::Nanoseconds(t.tv_nsec);
}

// Whether what was written may be run. Where the system forbids it (systemd's
// MemoryDenyWriteExecute, SELinux) LuaJIT ends the process when it compiles.
bool may_compile() noexcept {
  constexpr std::size_t kPage = 4096;
  void* page = mmap(nullptr, kPage, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (page == MAP_FAILED) return false;
  const bool may = mprotect(page, kPage, PROT_READ | PROT_EXEC) == 0;
  munmap(page, kPage);
  return may;
}

void open_library(lua_State* lua, lua_CFunction open, const char* name) {
  lua_pushcfunction(lua, open);
  lua_pushstring(lua, name);
  lua_call(lua, 1, 1);
}

}  // namespace

bool State::has_time() noexcept {
  const Nanoseconds at = now();
  if (deadline_ == Nanoseconds::zero()) deadline_ = at + budget_;
  if (at < deadline_) [[likely]]
    return true;
  const Nanoseconds used = now(CLOCK_THREAD_CPUTIME_ID);  // a system call, once it is late
  if (last_deadline_ == Nanoseconds::zero()) last_deadline_ = used + kGrace;
  return used < last_deadline_;
}

void* State::allocate(void* self, void* block, std::size_t old_size, std::size_t size) noexcept {
  auto& state = *static_cast<State*>(self);
  if (size >= kLargeBlock) state.view_.left = 0;
  return state.arena_.reallocate(block, old_size, size);
}

// Runs under lua_cpcall: what is Lua's in it may jump out.
int State::open(lua_State* lua) {
  auto& state = *static_cast<State*>(lua_touserdata(lua, 1));
  open_library(lua, luaopen_base, "");
  open_library(lua, luaopen_table, LUA_TABLIBNAME);
  open_library(lua, luaopen_string, LUA_STRLIBNAME);
  open_library(lua, luaopen_math, LUA_MATHLIBNAME);
  open_library(lua, luaopen_bit, LUA_BITLIBNAME);
  open_library(lua, luaopen_jit, LUA_JITLIBNAME);
  if (!may_compile()) luaJIT_setmode(lua, 0, LUAJIT_MODE_ENGINE | LUAJIT_MODE_OFF);
  open_library(lua, luaopen_ffi, LUA_FFILIBNAME);
  lua_getfield(lua, -1, "cdef");
  lua_pushlstring(lua, embedded::binding().data(), embedded::binding().size());
  lua_call(lua, 1, 0);
  if (luaL_loadbuffer(lua, embedded::prelude().data(), embedded::prelude().size(), "=leastwise") !=
      0) {
    return lua_error(lua);
  }
  lua_pushvalue(lua, -2);  // ffi
  lua_pushlightuserdata(lua, &state.view_);
  lua_call(lua, 2, 3);
  state.manual_ = luaL_ref(lua, LUA_REGISTRYINDEX);
  state.seed_ = luaL_ref(lua, LUA_REGISTRYINDEX);
  state.start_ = luaL_ref(lua, LUA_REGISTRYINDEX);
  // Places for the script's functions, so that to fill them needs no memory.
  for (int& place : state.places_) {
    lua_pushboolean(lua, 0);
    place = luaL_ref(lua, LUA_REGISTRYINDEX);
  }
  return 0;
}

// The machine code is LuaJIT's own mapping, and goes first; all else is in the arena.
void State::drop() noexcept {
  if (lua_ != nullptr) luaJIT_setmode(lua_, 0, LUAJIT_MODE_ENGINE | LUAJIT_MODE_FLUSH);
  lua_ = nullptr;
  arena_.clear();
  has_ = {};
}

void State::keep_error(const char* text, std::size_t size) noexcept {
  constexpr char kUnknown[] = "an error that is no text";
  if (text == nullptr) {
    text = kUnknown;
    size = sizeof(kUnknown) - 1;
  }
  error_size_ = std::min(size, sizeof(error_));
  // It goes into a log.
  std::transform(text, text + error_size_, error_,
                 [](char c) { return static_cast<unsigned char>(c) < ' ' || c == 0x7f ? ' ' : c; });
}

bool State::run(int arguments, int results, Nanoseconds budget) noexcept {
  view_.left = kChecks;
  budget_ = budget;
  deadline_ = last_deadline_ = Nanoseconds::zero();
  if (lua_pcall(lua_, arguments, results, 0) == 0) return true;
  std::size_t size = 0;
  const char* text = lua_type(lua_, -1) == LUA_TSTRING ? lua_tolstring(lua_, -1, &size) : nullptr;
  keep_error(text, size);
  lua_settop(lua_, 0);
  return false;
}

bool State::begin(const std::string& file, std::string& error) {
  drop();
  error = file + ": no memory for a script";
  if (!arena_.open()) return false;
  lua_ = lua_newstate(allocate, this);
  // Where LuaJIT insists on an allocator of its own there would be no cap.
  if (lua_ == nullptr) {
    error = file + ": this LuaJIT takes no allocator: it was built without GC64";
    return false;
  }
  if (lua_cpcall(lua_, open, this) == 0) return true;
  error = file + ": " + (lua_isstring(lua_, -1) ? lua_tostring(lua_, -1) : "LuaJIT does not start");
  return false;
}

bool State::start(std::string_view source, const std::string& file, std::string& error,
                  Nanoseconds budget) {
  if (!begin(file, error)) return false;
  lua_settop(lua_, 0);
  lua_rawgeti(lua_, LUA_REGISTRYINDEX, start_);
  // "t": no bytecode, which is not checked by anybody.
  if (luaL_loadbufferx(lua_, source.data(), source.size(), ("@" + file).c_str(), "t") != 0) {
    error = lua_tostring(lua_, -1);
    return false;
  }
  if (!run(1, 5, budget)) {
    error = this->error();
    if (!error.starts_with(file)) error = file + ": " + error;
    return false;
  }
  // chooser, whether it is pick(), tick, route, key
  for (const Call call : {Call::kKey, Call::kRoute, Call::kTick}) keep(call);
  picks_ = lua_toboolean(lua_, -1) != 0;
  lua_pop(lua_, 1);
  keep(Call::kChoose);
  if (has(Call::kChoose) || has(Call::kRoute) || has(Call::kKey)) return true;
  error = file + ": expected one of the functions score, pick, tick, route, key";
  return false;
}

// Of what lies on the stack.
void State::keep(Call call) noexcept {
  const auto i = static_cast<std::size_t>(call);
  has_[i] = lua_isfunction(lua_, -1);
  if (has_[i]) {
    lua_rawseti(lua_, LUA_REGISTRYINDEX, places_[i]);
  } else {
    lua_pop(lua_, 1);
  }
}

bool State::call(Call call, Nanoseconds budget) noexcept {
  lua_rawgeti(lua_, LUA_REGISTRYINDEX, places_[static_cast<std::size_t>(call)]);
  return run(0, 0, budget);
}

bool State::call(Call call, Nanoseconds budget, std::string_view& out) noexcept {
  lua_settop(lua_, 0);
  lua_rawgeti(lua_, LUA_REGISTRYINDEX, places_[static_cast<std::size_t>(call)]);
  if (!run(0, 1, budget)) return false;
  std::size_t size = 0;
  // It stays on the stack, so that it is not collected. A number would be converted in place, and
  // that may fail: the prelude gives texts.
  const char* text = lua_type(lua_, -1) == LUA_TSTRING ? lua_tolstring(lua_, -1, &size) : nullptr;
  out = {text != nullptr ? text : "", size};
  return true;
}

void State::seed(std::uint32_t value) noexcept {
  lua_rawgeti(lua_, LUA_REGISTRYINDEX, seed_);
  lua_pushnumber(lua_, value);
  run(1, 0, kFirstBudget);
}

std::string State::manual() {
  lua_rawgeti(lua_, LUA_REGISTRYINDEX, manual_);
  if (!run(0, 1, kFirstBudget)) return std::string(error());
  std::string text = lua_tostring(lua_, -1);
  lua_settop(lua_, 0);
  return text;
}

}  // namespace leastwise::lua
