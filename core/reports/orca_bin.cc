// xds.data.orca.v3.OrcaLoadReport. A field that comes twice is refused, as in the other forms.
#include <protozero/pbf_message.hpp>

#include "reports/orca_fields.h"

namespace leastwise {
namespace {

enum class Tag : protozero::pbf_tag_type {
  kCpu = 1,
  kMemory = 2,
  kRequestCost = 4,
  kUtilization = 5,
  kNamedMetrics = 8,
  kApplication = 9,
};
enum class Entry : protozero::pbf_tag_type { kKey = 1, kValue = 2 };

// protozero reads whatever type is asked for: that the sender meant the same is ours to see.
template <typename Message>
double number_of(Message& field) {
  if (field.wire_type() != protozero::pbf_wire_type::fixed64) {
    throw protozero::unknown_pbf_wire_type_exception{};
  }
  return field.get_double();
}

template <typename Message>
protozero::data_view bytes_of(Message& field) {
  if (field.wire_type() != protozero::pbf_wire_type::length_delimited) {
    throw protozero::unknown_pbf_wire_type_exception{};
  }
  return field.get_view();
}

bool read_entry(std::string_view map, protozero::data_view bytes, OrcaFields& out) {
  protozero::pbf_message<Entry> entry(bytes);
  std::string_view name;
  double value = 0;
  while (entry.next()) {
    if (entry.tag() == Entry::kKey) {
      const protozero::data_view view = bytes_of(entry);
      name = {view.data(), view.size()};
    } else if (entry.tag() == Entry::kValue) {
      value = number_of(entry);
    } else {
      entry.skip();
    }
  }
  return out.add(map, name, value);
}

bool read_field(protozero::pbf_message<Tag>& report, OrcaFields& out) {
  switch (report.tag()) {
    case Tag::kCpu:
      return out.add({}, "cpu_utilization", number_of(report));
    case Tag::kMemory:
      return out.add({}, "mem_utilization", number_of(report));
    case Tag::kApplication:
      return out.add({}, "application_utilization", number_of(report));
    case Tag::kRequestCost:
      return read_entry("request_cost", bytes_of(report), out);
    case Tag::kUtilization:
      return read_entry("utilization", bytes_of(report), out);
    case Tag::kNamedMetrics:
      return read_entry("named_metrics", bytes_of(report), out);
  }
  report.skip();
  return true;
}

}  // namespace

bool read_orca_protobuf(std::string_view bytes, OrcaFields& out) noexcept try {
  protozero::pbf_message<Tag> report{protozero::data_view{bytes.data(), bytes.size()}};
  while (report.next()) {
    if (!read_field(report, out)) return false;
  }
  return true;
} catch (...) {
  return false;  // cut short, or of another wire type
}

}  // namespace leastwise
