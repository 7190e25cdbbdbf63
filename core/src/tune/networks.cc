#include "leastwise/networks.h"

#include <arpa/inet.h>

#include <algorithm>
#include <charconv>
#include <cstring>

namespace leastwise {
namespace {

using Address = Networks::Address;

constexpr std::uint32_t kMappedBits = 96;  // of ::ffff:0:0/96
constexpr std::uint32_t kAllBits = 128;
constexpr std::size_t kLongest = 46;  // INET6_ADDRSTRLEN

Address mapped(const std::uint8_t* ipv4) noexcept {
  Address address{};
  address[10] = address[11] = 0xff;
  std::memcpy(address.data() + 12, ipv4, 4);
  return address;
}

// By the C library: an address has more spellings than one would think.
bool read_address(std::string_view text, Address& out, bool& is_ipv4) noexcept {
  std::array<char, kLongest> copy{};
  if (text.empty() || text.size() >= copy.size()) return false;
  std::memcpy(copy.data(), text.data(), text.size());
  std::array<std::uint8_t, 4> ipv4{};
  is_ipv4 = ::inet_pton(AF_INET, copy.data(), ipv4.data()) == 1;
  if (is_ipv4) {
    out = mapped(ipv4.data());
    return true;
  }
  return ::inet_pton(AF_INET6, copy.data(), out.data()) == 1;
}

constexpr std::uint8_t mask_of(std::uint32_t bits, std::size_t byte) noexcept {
  const std::uint32_t before = static_cast<std::uint32_t>(byte) * 8;
  if (bits >= before + 8) return 0xff;
  if (bits <= before) return 0;
  return static_cast<std::uint8_t>(0xff00U >> (bits - before));
}

bool read_length(std::string_view text, std::uint32_t most, std::uint32_t& out) noexcept {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
  return error == std::errc{} && end == text.data() + text.size() && out <= most;
}

std::string_view part(std::string_view text, std::size_t begin, std::size_t size) noexcept {
  text.remove_prefix(begin);
  return {text.data(), std::min(size, text.size())};
}

bool read_network(std::string_view text, Networks::Network& out) noexcept {
  const std::size_t slash = std::min(text.find('/'), text.size());
  bool is_ipv4 = false;
  if (!read_address(part(text, 0, slash), out.address, is_ipv4)) return false;
  out.bits = kAllBits;
  if (slash == text.size()) return true;
  const std::uint32_t before = is_ipv4 ? kMappedBits : 0;
  if (!read_length(part(text, slash + 1, text.size()), kAllBits - before, out.bits)) return false;
  out.bits += before;
  for (std::size_t i = 0; i < out.address.size(); ++i) {
    if ((out.address[i] & ~mask_of(out.bits, i)) != 0) return false;
  }
  return true;
}

}  // namespace

Status Networks::parse(std::string_view text, Networks& out) noexcept {
  Networks read;
  while (true) {
    const std::size_t comma = std::min(text.find(','), text.size());
    if (read.count_ == kMost) return {Status::Code::kOutOfRange, "more than 16 networks"};
    if (!read_network(part(text, 0, comma), read.networks_[read.count_++])) {
      return {Status::Code::kBadValue, "not a network"};
    }
    if (comma == text.size()) break;
    text.remove_prefix(comma + 1);
  }
  out = read;
  return {};
}

bool Networks::contains(const Address& address) const noexcept {
  return std::any_of(networks_.begin(), networks_.begin() + count_, [&](const Network& n) noexcept {
    for (std::size_t i = 0; i < address.size(); ++i) {
      if (((address[i] ^ n.address[i]) & mask_of(n.bits, i)) != 0) return false;
    }
    return true;
  });
}

bool Networks::contains(std::span<const std::uint8_t> address) const noexcept {
  if (address.size() == 4) return contains(mapped(address.data()));
  Address copy{};
  if (address.size() != copy.size()) return false;
  std::memcpy(copy.data(), address.data(), copy.size());
  return contains(copy);
}

bool Networks::contains(std::string_view address) const noexcept {
  Address read{};
  bool is_ipv4 = false;
  return read_address(address, read, is_ipv4) && contains(read);
}

}  // namespace leastwise
