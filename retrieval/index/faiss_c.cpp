/*
 * The functions of FAISS's C API that we use, for systems whose FAISS comes without its C library
 * (Debian's does). Declared by the official headers, so that this file falls away where libfaiss_c
 * is. No exception leaves it, nothing is printed.
 */
#include <cstdio>
#include <exception>
#include <new>

#include <faiss/IndexFlat.h>
#include <faiss/impl/AuxIndexStructures.h>
#include <faiss/impl/FaissException.h>
#include <faiss/impl/IDSelector.h>
#include <faiss/index_io.h>
#include <faiss/utils/distances.h>

#include <faiss/c_api/IndexFlat_c.h>
#include <faiss/c_api/Index_c.h>
#include <faiss/c_api/error_c.h>
#include <faiss/c_api/impl/AuxIndexStructures_c.h>
#include <faiss/c_api/index_io_c.h>
#include <faiss/c_api/utils/distances_c.h>

namespace
{

thread_local char last_error[240];

template <typename F> int guard(F f)
{
	try {
		f();
		return OK;
	} catch (const faiss::FaissException &e) {
		std::snprintf(last_error, sizeof(last_error), "%s", e.what());
		return FAISS_EXCEPT;
	} catch (const std::exception &e) {
		std::snprintf(last_error, sizeof(last_error), "%s", e.what());
		return STD_EXCEPT;
	} catch (...) {
		std::snprintf(last_error, sizeof(last_error), "unknown exception");
		return UNKNOWN_EXCEPT;
	}
}

faiss::Index *of(FaissIndex *ix)
{
	return reinterpret_cast<faiss::Index *>(ix);
}

const faiss::Index *of(const FaissIndex *ix)
{
	return reinterpret_cast<const faiss::Index *>(ix);
}

} // namespace

extern "C" {

const char *faiss_get_last_error()
{
	return last_error;
}

int faiss_IndexFlatIP_new_with(FaissIndexFlatIP **out, idx_t d)
{
	return guard([&] {
		faiss::Index *ix = new faiss::IndexFlatIP(d);
		*out = reinterpret_cast<FaissIndexFlatIP *>(ix);
	});
}

FaissIndexFlat *faiss_IndexFlat_cast(FaissIndex *ix)
{
	return dynamic_cast<faiss::IndexFlat *>(of(ix)) != nullptr ? ix : nullptr;
}

void faiss_IndexFlat_xb(FaissIndexFlat *ix, float **xb, size_t *size)
{
	auto *flat = static_cast<faiss::IndexFlat *>(of(ix));

	*xb = flat->get_xb();
	*size = flat->codes.size() / sizeof(float);
}

void faiss_Index_free(FaissIndex *ix)
{
	delete of(ix);
}

int faiss_Index_d(const FaissIndex *ix)
{
	return static_cast<int>(of(ix)->d);
}

idx_t faiss_Index_ntotal(const FaissIndex *ix)
{
	return of(ix)->ntotal;
}

FaissMetricType faiss_Index_metric_type(const FaissIndex *ix)
{
	return static_cast<FaissMetricType>(of(ix)->metric_type);
}

int faiss_Index_add(FaissIndex *ix, idx_t n, const float *x)
{
	return guard([&] { of(ix)->add(n, x); });
}

int faiss_Index_search(const FaissIndex *ix, idx_t n, const float *x, idx_t k, float *distances,
		       idx_t *labels)
{
	return guard([&] { of(ix)->search(n, x, k, distances, labels); });
}

int faiss_Index_remove_ids(FaissIndex *ix, const FaissIDSelector *sel, size_t *n_removed)
{
	return guard([&] {
		size_t n = of(ix)->remove_ids(*reinterpret_cast<const faiss::IDSelector *>(sel));

		if (n_removed != nullptr)
			*n_removed = n;
	});
}

int faiss_IDSelectorRange_new(FaissIDSelectorRange **out, idx_t imin, idx_t imax)
{
	return guard([&] {
		faiss::IDSelector *sel = new faiss::IDSelectorRange(imin, imax);
		*out = reinterpret_cast<FaissIDSelectorRange *>(sel);
	});
}

void faiss_IDSelectorRange_free(FaissIDSelectorRange *sel)
{
	delete reinterpret_cast<faiss::IDSelector *>(sel);
}

int faiss_write_index(const FaissIndex *ix, FILE *f)
{
	return guard([&] { faiss::write_index(of(ix), f); });
}

int faiss_read_index(FILE *f, int io_flags, FaissIndex **out)
{
	return guard(
		[&] { *out = reinterpret_cast<FaissIndex *>(faiss::read_index(f, io_flags)); });
}

void faiss_set_distance_compute_blas_threshold(int value)
{
	faiss::distance_compute_blas_threshold = value;
}

} /* extern "C" */
