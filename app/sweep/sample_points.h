/* sample_points.h - where to look in the unit cube: random, Latin hypercube and Sobol points, the same on every machine. */
#ifndef SAINT_APP_SWEEP_SAMPLE_POINTS_H
#define SAINT_APP_SWEEP_SAMPLE_POINTS_H

#include <stddef.h>
#include <stdint.h>

#include "engine.h"

enum { SWEEP_SOBOL_DIMENSIONS = 64 };

/* Coordinate `dimension` of random point `index`, in [0, 1): depends on nothing but its three arguments. */
double sweep_uniform(uint64_t seed, uint64_t index, uint64_t dimension);

/* Latin hypercube: u [n * dimensions] row-major in [0, 1); in every dimension each of the n strata of equal size holds one point.
 * SAINT_MEMORY. */
saint_status sweep_latin_hypercube(uint64_t seed, size_t n, size_t dimensions, double *u, saint_error *err);

/* Coordinate `dimension` < SWEEP_SOBOL_DIMENSIONS of point `index` < 2^32 of the Sobol sequence with the direction numbers of Joe and Kuo
 * (2008), in Gray-code order. seed 0: the sequence itself; otherwise a digital shift by the seed, which keeps its even spread and moves the
 * first point away from the corner. */
double sweep_sobol(uint64_t seed, uint32_t index, unsigned dimension);

#endif
