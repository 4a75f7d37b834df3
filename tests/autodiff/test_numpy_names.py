"""What users write of NumPy on traced arrays: its functions, the methods of its arrays, and the compatible namespace.

Each call is held against a central difference of NumPy itself, and against JAX's differentiation of the same call of
`jax.numpy` and of JAX's arrays.
"""

from __future__ import annotations

import copy
import inspect
import math
import pickle
import re
from typing import Any

import array_api_compat.numpy as compat
import numpy as np
import pytest

import arraylosses as al
from arraylosses import autodiff
from arraylosses.autodiff import numpy_names, rules

from .libraries import Library, numpy_of, uncomputed
from .samples import real

pytestmark = pytest.mark.otherwise_numpy

# `x` has shape (2, 3, 4), `c` is another such array that is not differentiated, `m` a square matrix made of `x`.
METHODS = """
x.sum()  x.sum(0)  x.sum(axis=(0,-1))  x.sum(axis=1,keepdims=True)  x.mean()  x.mean(0)  x.max()  x.max(1)
x.min(axis=-1,keepdims=True)  x.prod(2)  x.std()  x.std(0,ddof=1)  x.var(axis=1,ddof=1)  x.reshape(6,4)
x.reshape((6,4))  x.reshape(-1)  x.reshape((-1,4),order="C")  x.ravel()  x.flatten()  x.transpose()
x.transpose(2,0,1)  x.transpose((2,0,1))  x.T  x[0].T  x[0,0].T  x.mT  x.swapaxes(0,2)  x[None].squeeze()
x[None].squeeze(0)  x.clip(-0.3,0.5)  x.clip(min=0.1)  x.clip(max=0.2)  x.cumsum()  x.cumsum(1)  x.cumprod(axis=-1)
x.copy()  x.astype(np.float64)  x.astype(float)  x.astype("float64")  x.repeat(2)  x.repeat(2,axis=1)
x.take(np.asarray([1,0,1]),axis=1)  x.take(np.asarray([1,0,1]))  x.dot(c[0].T)  x.round(2)+x  x.real  x.conj()
x.diagonal()  x.trace()  x*x.argmax(0)  x+x.nbytes  sum(x)  max(x[0,0,0],x[1,0,0])
"""
FUNCTIONS = """
np.transpose(x)  np.transpose(x,(2,0,1))  np.tensordot(x,c[0].T,1)  np.tensordot(c,x,((0,1),(0,1)))  np.tile(x,2)
np.tile(x,(2,1))  np.sum(x,0)  np.sum(x,axis=-1,keepdims=True)  np.mean(x,1)  np.std(x,0)  np.var(x,ddof=1,axis=(0,1))
np.max(x)  np.amin(x,0)  np.prod(x,1)  np.exp(x)  np.where(x>0,x,0)  np.where(x>0,x*x,-x)  np.where(x>0)[0].sum()*x
np.concatenate([x,x*x],1)  np.concatenate((c,x))  np.stack([x,c],-1)  np.stack(list(x))  np.abs(x)  np.square(x)
np.power(x,2)  np.float_power(x*x+1,1.5)  np.maximum(x,0.1)  np.minimum(c,x)  np.fabs(x)  np.clip(x,-0.2,0.3)
np.clip(x,None,0.3)  np.cumsum(x)  np.cumsum(x,1)  np.cumprod(x)  np.cumprod(x,0)  np.ravel(x)  np.swapaxes(x,0,1)
np.expand_dims(x,1)  np.squeeze(x[:1])  np.broadcast_to(x,(5,2,3,4))  np.moveaxis(x,0,-1)  np.flip(x,1)
np.roll(x,1,0)  np.outer(x,x[0,0])  np.inner(x,c[0])  np.dot(x,c[0].T)  np.dot(x[0],x[1,0])  np.dot(x,2.0)
np.vdot(x,c)  np.matmul(c,x.mT)  np.hstack([x,c])  np.hstack([x[0,0],x[0,1]])  np.vstack([x[0],c[1]])
np.column_stack([x[0],x[0,:,0]])  np.append(x,c)  np.append(x,c,1)  np.split(x,2,-1)[1]  np.split(x,[1,3],-1)[1]
np.average(x)  np.average(x,axis=1,weights=np.arange(3.0)+1)  np.average(x,axis=1,weights=x*x)  np.ptp(x,0)
np.nan_to_num(x)  np.exp2(x)  np.deg2rad(x)  np.radians(x)  np.degrees(x)  np.rad2deg(x)  np.trace(x)
np.diagonal(x,1,1,2)  np.diff(x)  np.diff(x,axis=0)  np.repeat(x,3,0)  np.take(x,np.asarray([0,1]),1)  np.sort(x,0)
np.sign(x)*x  np.meshgrid(x[0,0],x[1,0])[0]  np.logaddexp(x,0.0)  np.linspace(x[0,0,0],3.0,5)  np.atleast_1d(x[0,0,0])
np.atleast_2d(x[0,0])  np.atleast_2d(x[0,0],c)[1]  np.atleast_1d(x[0,0,0],x)[1]  np.reshape(x,(6,4))
np.cross(x[0,:,:3],c[0,:,:3])  np.real(x)  np.triu(x,1)  np.tril(x[0])  np.copy(x)  np.arctan2(x,2+c*c)  np.arcsinh(x)
np.divide(c,2+x*x)  np.add([1.0,2.0,3.0,4.0],x)  np.isclose(x,c)*x  np.einsum("ijk,lk->il",x,c[0])
np.einsum("ijk,ijk",x,c)  np.einsum("ijk, ijk -> k",x,x)  np.einsum("...k,...k->...",x,x[0])  np.einsum("ijk->k",x)
np.einsum("ijk,lk",x,x[:,0])  np.einsum("ij...,jk->ik...",x.T,x[0])  np.einsum("ij,ij->i",x[0],c[1][:,:1])
np.einsum("ij,ij->i",c[1],x[0][:,:1])  np.linalg.norm(x)  np.linalg.norm(x,axis=-1)  np.linalg.norm(x,1,-1,True)
np.linalg.norm(x[0],"fro")  np.linalg.norm(x,np.inf,(1,2),keepdims=True)  np.linalg.inv(m)
np.linalg.solve(m,np.ones(3))  np.linalg.det(m)  np.linalg.slogdet(m)[1]  np.linalg.matrix_power(m,2)
np.linalg.norm(x,"nuc",(1,2))  np.linalg.norm(x[0],2)  np.linalg.svd(x,compute_uv=False)  np.linalg.svd(x,False).S
np.linalg.pinv(x)  np.linalg.eigvalsh(m@m.T)  np.linalg.eigh(m@m.T)[0]  abs(np.linalg.qr(m)[1])  np.linalg.svdvals(x)
np.pad(x,1)  np.pad(x,(1,2))  np.pad(x[0],((0,1),(2,0)),constant_values=2.0)  np.pad(x[0,0],(0,2),"constant")
np.pad(x,((1,0),)*3,constant_values=((1,2),)*3)  np.nansum(x)  np.nanmean(x,axis=1)  np.nanmean(x,(0,2),keepdims=True)
np.nansum(np.where(x<0,np.nan,x),axis=0)  np.nanmean(np.where(c<0,np.nan,x))  np.select([x<0,c<0],[x*x,c*x],2.0)
np.select([c>0.5],[x])  np.diag(x[0,0])  np.diag(x[0,0],1)  np.diag(x[0,0],-2)  np.diag(m)  np.diag(m,k=-1)
np.array_split(x,3,-1)[0]  np.array_split(x,[1],1)[1]  np.hsplit(x,3)[1]  np.hsplit(x[0,0],2)[1]  np.vsplit(x,2)[1]
np.nanmax(np.where(c<0,np.nan,x),1)  np.nanmin(np.where(c<0,np.nan,x))  np.nancumsum(np.where(c<0,np.nan,x),1)
np.nanvar(np.where(c<0,np.nan,x),ddof=1)  np.nanstd(np.where(c<-0.5,np.nan,x),axis=2)  np.quantile(x,0.3)
np.quantile(x,[[0.3,0.5,1.0]],1)  np.quantile(x,0.25,keepdims=True)  np.percentile(x,[0,35],axis=0,keepdims=True)
np.median(x)  np.median(x,axis=1)  np.median(np.where(x==x.max(),np.inf,x))  np.cbrt(x)  np.logaddexp2(x,c)
np.trapezoid(x)  np.trapezoid(x,[0.0,1.0,3.0],axis=1)  np.trapezoid(c,x,axis=0)  np.trapezoid(x,dx=0.5)
np.gradient(x,axis=1)  np.gradient(x,0.5,2.0,axis=(1,2))[1]  np.gradient(x[0,0])  np.interp(x,[-1,0,0.7],[0.0,1.0,5.0])
np.interp([-0.2,0.5,9.0],xp=[-1.0,0.0,1.0],fp=x[0,:,0])  np.convolve(x[0,0],[1.0,2.0,3.0])
np.convolve([1.0,2.0],x[0,0],"same")  np.convolve(x[0,0],x[1,0,:2],mode="valid")  np.convolve(x[0,0],c[0,0,:3],"same")
np.kron(x,c[0])  np.kron(c[0,0],x)  np.cov(x[0])  np.cov(x[0,0])  np.cov(x[0],c[0],rowvar=False,ddof=0)
np.cov(x[0],bias=True)  np.corrcoef(x[0])  np.corrcoef(x[0,0],c[0,0])  np.linalg.multi_dot([x[0],c[0].T,x[1]])
np.bincount([0,2,0],weights=x[0,:,0])  np.bincount([0,2,0],x[0,:,0],minlength=5)
np.heaviside(x,c)*x  np.heaviside(0.0*c,x)  np.vstack([x[0],c[1]],casting="same_kind",dtype=None)
np.linalg.cholesky(m@m.T+np.eye(3))  np.trace(m)  m.trace()  np.fft.fft(x).real  np.fft.rfft(x,n=3,axis=0).imag
"""
# Lists and numbers in the place of arrays, NumPy's own numbers in the place of Python's, no axis, and indices and ends
# of any shape
ARGUMENTS = """
np.dot(x,[1.0,2.0,3.0,4.0])  np.dot([1.0,2.0,3.0],x[0])  x.dot([1.0,2.0,3.0,4.0])  np.matmul(x,[1.0,2.0,3.0,4.0])
x@[1.0,2.0,3.0,4.0]  [1.0,2.0,3.0]@x[0]  (1.0,2.0,3.0)@x[0]  x[0,0]**[1.0,2.0,3.0,4.0]  [1.0,2.0,3.0,4.0]**x
np.power(x[0,0],[1,2,3,4])  np.inner(x,[1.0,2.0,3.0,4.0])  np.outer([1.0,2.0],x)  np.vdot([1.0,2.0,3.0,4.0],x[0,0])
np.tensordot(x,[1.0,2.0,3.0,4.0],1)  np.cross([1.0,2.0,3.0],x[:,:,0])  np.einsum("ijk,k",x,[1.0,2.0,3.0,4.0])
np.linalg.solve([[2.0,0.0,1.0],[0.0,1.0,0.0],[1.0,0.0,1.0]],x[0])  np.where([True,False,True,True],x,[0.0,1.0,2.0,3.0])
np.concatenate([[1.0,2.0],x[0,0]])  np.concatenate(([[0.5]*4],x[0]),0)  np.stack([1.0,x[0,0,0]])
np.hstack([0.0,x[0,0]])  np.vstack([[1.0,2.0,3.0,4.0],x[0]])  np.column_stack([[1.0,2.0,3.0],x[0]])  np.append([1.0],x)
np.append(x,1.0)  np.append(x,values=[2.0])  np.diff(x,prepend=0.0)  np.diff(x,append=1.0,axis=0)
np.diff(x,prepend=x[:,:,:2])  np.average(x,axis=1,weights=[1,2,3])  np.linspace(x[0],2.0,5)  np.linspace(x[0],x[1],3)
np.linspace([0.0,1.0],x[0,0,0],4)  x.sum(axis=np.int64(1))  x.mean(np.int64(0))  x[:1].squeeze(np.int64(0))
np.roll(x,np.int64(1),np.int64(2))  np.roll(x,[1,2],axis=[0,1])  np.tile(x,np.asarray([2,1]))
np.tensordot(x,x,axes=(2,2))  np.tensordot(x,c[0],axes=(-1,1))  np.split(x,np.int64(2),-1)[1]  x.reshape(np.int64(6),4)
x.repeat(np.int64(2))  np.linalg.norm(x,axis=np.int64(1))  np.sort(x,axis=None)  np.sort(x,kind="stable",axis=0)
np.take_along_axis(x,np.asarray([5,1,5]),axis=None)  np.take(x,1,axis=1)  np.take(x,[[1,0],[2,2]],axis=1)  x.take(3)
x.take([[1],[1]])  x[[]]  x[:,[]]  x[(0,0),:]  x[:,(2,0,2),1]  x[(1,0),(2,2)]  x[range(2),[2,0]]  x[...,(1,1),None]
x[:,()]  x[range(1,-1,-1)]  np.tril(x[0,0])  np.triu(x[0,:,1],-1)  np.triu(x[0,:1,1],k=0)  np.cumulative_sum(x[0,0,0])
np.cumulative_sum(x[0,0,0],axis=-1)  np.cumulative_prod(x[0,0,0],include_initial=True)
np.interp(x,[0.1],[2.0])*x  np.interp(c,[0.1],x[0,0,:1])  np.interp(x,[0.0,0.0,0.5,0.5],x[0,0])
np.quantile(x[0,0,0],[0.2,0.7],keepdims=True)  np.logaddexp2(x,np.float32(0.3))  np.logaddexp2(c.astype("float32"),x)
np.kron(x,2.0)  np.kron(0.5,x[0])  np.convolve(x[0,0],2.0)  np.convolve(3,x[0,0])  np.append(0.5,x)  np.inner(x,2.0)
np.inner(x[0,0,0],c)  np.dot(0.5,x)  np.take_along_axis(x,np.zeros((2,3,0),int),-1)  np.float_power(2.0,x)
np.quantile(x,[0,1],0)  np.quantile(x,np.float32([0.5]))  np.percentile(x,35)
np.linspace(x[0],5.0,3,dtype=int)*x[1]
np.clip(c,x,-0.1)  np.clip(c,0.3,x)  np.clip(c,x,x[0])  x.clip(x[0]*x[1],c)
"""
# Calls along an axis
ALONG = """
np.sum(x,axis={})  np.mean(x,{})  np.max(x,{})  np.prod(x,axis={})  np.var(x,axis={})  np.take(x,[0],axis={})
np.take_along_axis(x,np.asarray([[[0]]]),axis={})  np.repeat(x,2,axis={})  np.unstack(x,axis={})
np.split(x,1,axis={})  np.diff(x,axis={})  np.tensordot(x,x,axes=({},0))  np.cumsum(x,{})  np.cumprod(x,{})
np.cumulative_sum(x,axis={})  np.cumulative_prod(x,axis={})  np.sort(x,axis={})  np.flip(x,{})  np.roll(x,1,{})
np.concatenate([x,x],{})  np.linalg.norm(x,axis={})  np.vecdot(x,x,axis={})  np.fft.fft(x,axis={}).real
np.fft.fft(x,n=2,axis={}).real  np.squeeze(x,{})  np.ptp(x,{})  np.average(x,{})
"""
# The functions that array-api-compat wraps, with a namespace that was taken from an array that is not differentiated.
WRAPPED = """
np.cumulative_sum(x,axis=1)  np.cumulative_sum(x,axis=1,include_initial=True)  np.cumulative_prod(x,axis=0)
np.tile(x,(2,2))  np.repeat(x,2)  np.permute_dims(x,(1,0,2))  np.astype(x,np.float64)  np.sign(x)*x
np.std(x,axis=0,correction=1)  np.var(x)  np.tensordot(x,c,axes=3)  np.matrix_transpose(x)  np.vecdot(x,c)
np.matmul(x,x.mT)  np.reshape(x,(4,6))  np.concat([x,c],axis=2)  np.take_along_axis(x,np.argsort(c,axis=-1),axis=-1)
np.unstack(x)[0]  np.argsort(c)*x  np.linalg.vector_norm(x,axis=1)  np.linalg.matrix_norm(x)  np.linalg.diagonal(x)
np.linalg.outer(x[0,0],x[0,1])  np.count_nonzero(x)*x  np.zeros_like(x)+x  np.full_like(x,2.0)*x
"""
# Where complex numbers have branches and conjugates of their own
OF_COMPLEX = """
np.arccosh(x)  np.arcsin(x)  np.arccos(x)  np.arctanh(x)  np.arcsinh(x)  np.sqrt(x)  np.log(x)  np.log1p(x)  np.tanh(x)
x**x  2.0**x  x**-1.5  abs(x)**3  np.sign(x)  np.linalg.slogdet(m)[0]  np.linalg.slogdet(x[:,:,:3])[1]
np.var(x,axis=(0,2))  x.std(1,ddof=1)  np.cumulative_prod(x[0,0])  np.linalg.norm(x,3,0)
"""
REFUSED_OF_COMPLEX = """
np.linalg.norm(x,"nuc",(1,2))  np.linalg.norm(x[0],2)  np.linalg.svd(x,compute_uv=False)  np.linalg.svd(x,False).S
np.linalg.pinv(x)  np.linalg.eigvalsh(m@m.T)  np.linalg.eigh(m@m.T)[0]  abs(np.linalg.qr(m)[1])  np.linalg.svdvals(x)
np.linalg.cholesky(m@m.T+np.eye(3))
"""
# What differs most from the rules that it is made of; all rules are held against JAX by themselves.
ON_JAX = """
x.std(0,ddof=1)  x.cumsum()  x.dot(c[0].T)  x.swapaxes(0,2)  np.average(x,axis=1,weights=x*x)  np.inner(x,c[0])
np.einsum("ijk,lk->il",x,c[0])  np.einsum("ijk,lk",x,x[:,0])  np.einsum("ij...,jk->ik...",x.T,x[0])
np.linalg.norm(x,1,-1,True)  np.linalg.norm(x,np.inf,(1,2),keepdims=True)  np.trace(x)  np.diagonal(x,1,1,2)
np.outer(x,x[0,0])  np.vdot(x,c)  np.ptp(x,0)  np.nan_to_num(x)  np.append(x,c)  np.split(x,[1,3],-1)[1]
np.quantile(x,0.3,1)  np.median(x)  np.corrcoef(x[0])  np.gradient(x,axis=1)  np.kron(x,c)  np.cbrt(x)
np.interp(x,np.asarray([-1.0,0.0,0.7]),np.asarray([0.0,1.0,5.0]))  np.convolve(x[0,0],c[0,0,:3],"same")
"""
ON_DASK = """
x.sum()  x.sum(0)  x.sum(axis=(0,-1))  x.mean(0)  x.max(1)  x.min(axis=-1,keepdims=True)  x.std(0,ddof=1)
x.reshape(6,4)  x.ravel()  x.transpose(2,0,1)  x.T  x.swapaxes(0,2)  x.clip(-0.3,0.5)  x.cumsum(1)
x.astype("float64")  x.dot(c[0].T)  np.transpose(x)  np.tensordot(x,c[0].T,1)  np.tile(x,(2,1))  np.exp(x)
np.where(x>0,x,0)  np.power(x,2)  np.outer(x,x[0,0])  np.concatenate([x,x*x],1)  np.stack([x,x],-1)  np.maximum(x,0.1)
np.einsum("...k,...k->...",x,x[0])  np.ptp(x,0)  np.linalg.norm(x,axis=-1)  np.hstack([x,x])  np.vstack([x[0],x[1]])
np.average(x)  np.trace(x)  np.nan_to_num(x)
"""


def calls(text: str) -> list[str]:
    """The calls of a table whose functions this version of NumPy has."""
    found = re.split(r"\s{2,}|\n", text.strip())
    return [call for call in found if all(hasattr(np, name) for name in re.findall(r"\bnp\.(\w+)", call))]


CALLS = [*calls(METHODS), *calls(FUNCTIONS), *calls(ARGUMENTS)]
X, C = real(2, 3, 4), real(4, 3, 2).T * 0.9


def call_of(source: str, library: Any, c: Any) -> Any:
    """Return the call as a function of `x`, with `library` for NumPy."""

    def f(x: Any) -> Any:
        matrix = x[0, :, :3] + 3 * np.eye(3) if "m" in source else None
        return eval(source, {"np": library, "x": x, "c": c, "m": matrix})

    return f


def number_of(f: Any) -> Any:
    """Return `f` with one number as result, whose cotangents depend on the values."""

    def number(x: Any) -> Any:
        result = f(x)
        return (result * (1.3 + 0.4 * result)).sum()

    return number


def check_against_central_difference(f: Any) -> None:
    direction, step = np.random.default_rng(3).normal(size=X.shape), 1e-6
    value, gradient = autodiff.value_and_grad(f)(X)
    np.testing.assert_allclose(value, f(X), rtol=1e-12)
    central = (f(X + step * direction) - f(X - step * direction)) / (2 * step)
    np.testing.assert_allclose(np.sum(gradient * direction), central, rtol=1e-6, atol=1e-7)


@pytest.mark.parametrize("source", CALLS)
def test_gradient_equals_central_difference(source):
    check_against_central_difference(number_of(call_of(source, np, C)))


@pytest.mark.parametrize("source", CALLS)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_result_has_the_shape_and_the_dtype_that_numpy_gives_it(source, dtype):
    x = X.astype(dtype)
    call, found = call_of(source, np, C.astype(dtype)), []

    def f(x):
        result = call(x)
        found.extend(result if isinstance(result, list | tuple) else [result])
        return x.sum()

    expected = call(x)
    autodiff.grad(f)(x)
    for a, b in zip(found, expected if isinstance(expected, list | tuple) else [expected], strict=True):
        assert (a.shape, a.dtype) == (b.shape, b.dtype)


def test_linspace_has_the_dtype_and_the_digits_of_numpy_s():
    x, found = X.astype("float32"), []
    for stop, dtype in ((C, None), (3, "float32"), (C, np.float32), (5.0, int)):
        autodiff.grad(lambda x, s=stop, d=dtype: (found.append(np.linspace(x, s, 4, dtype=d)), x.sum())[1])(x)
        value, expected = autodiff.stop_gradient(found.pop()), np.linspace(x, stop, 4, dtype=dtype)
        assert value.dtype == expected.dtype
        np.testing.assert_allclose(value, expected, rtol=1e-14 if value.dtype == np.float64 else 1e-6, atol=1e-15)


@pytest.mark.parametrize("source", [*CALLS, *calls(OF_COMPLEX)])
def test_complex_numbers_on_the_way_are_differentiated_or_refused(source):
    call = call_of(source, np, C)

    def f(x):
        result = call(x * (0.8 + 0.6j) + 0.1j * x * x)
        return (np.real(result) * (1.3 + 0.4 * np.imag(result))).sum()

    try:
        f(X)
    except (TypeError, np.exceptions.ComplexWarning):
        return  # NumPy has it of real numbers alone
    if source in calls(REFUSED_OF_COMPLEX):
        with pytest.raises(TypeError, match="of a complex matrix has no derivative rule"):
            autodiff.grad(f)(X)
    else:
        check_against_central_difference(f)


@pytest.mark.parametrize("source", calls(WRAPPED))
def test_namespace_of_another_array_is_differentiated(source):
    assert al.array_namespace(C) is compat
    check_against_central_difference(number_of(call_of(source, al.array_namespace(C), C)))


@pytest.mark.backend("jax")
def test_gradients_equal_jax():
    jax = pytest.importorskip("jax", reason="jax is not installed")
    with jax.enable_x64(True):

        def gradients(x):
            return [jax.grad(number_of(call_of(source, jax.numpy, C)))(x) for source in calls(ON_JAX)]

        expected = [np.asarray(g) for g in jax.jit(gradients)(jax.numpy.asarray(X))]
    for source, e in zip(calls(ON_JAX), expected, strict=True):
        gradient = autodiff.grad(number_of(call_of(source, np, C)))(X)
        np.testing.assert_allclose(gradient, e, rtol=1e-9, atol=1e-11, err_msg=source)


@pytest.mark.backend("dask")
@pytest.mark.parametrize("source", calls(ON_DASK))
def test_gradient_on_dask_is_that_of_numpy(source):
    pytest.importorskip("dask.array", reason="dask is not installed")
    f = number_of(call_of(source, np, C))
    with uncomputed():
        gradient = autodiff.grad(f)(Library("dask", "dask.array").array(X))
    np.testing.assert_allclose(numpy_of(gradient), autodiff.grad(f)(X), rtol=1e-11, atol=1e-13)


def test_every_function_of_numpy_alone_is_called():
    called = set(re.findall(r"(?:np|x|m)\.([\w.]+)\(", METHODS + FUNCTIONS))
    ours = {name for name, f in rules.NUMPY.items() if inspect.isfunction(f)}  # the others compute on plain values
    assert ours - called == set()
    assert set(numpy_names.STANDARD_NAMES) <= set(dir(np))


def test_functions_of_numpy_alone_are_in_the_docstring():
    documented = set(re.findall(r"`([\w.]+)`", autodiff.__doc__))
    same = {"flatten", "reshape", "deg2rad", "rad2deg"}  # spelled in another way there
    ours = {name for name, f in rules.NUMPY.items() if inspect.isfunction(f)}
    assert ours - documented - same == set()


def test_namespace_of_a_traced_array_has_numpy_s_names_too():
    def f(x):
        xp = al.array_namespace(x)
        parts = xp.concatenate([xp.ravel(x), xp.cumsum(x), xp.arctan(xp.einsum("ijk->k", x))])
        return xp.sum(xp.power(parts, 2)) + xp.tile(xp.squeeze(x[:1]), 2).sum()

    check_against_central_difference(f)


def test_what_a_hint_says_instead_is_the_function():
    row, v = X[0, 0], C[0, 0, :3]
    for refused, instead in (
        (lambda x: np.correlate(x, v, "full"), lambda x: np.convolve(x, v[::-1])),
        (lambda x: np.dstack([x[None], x[None]]), lambda x: np.stack([x[None], x[None]], axis=2)),
        (lambda x: np.fft.fft2(x[None]).real, lambda x: np.fft.fftn(x[None], axes=(-2, -1)).real),
        (lambda x: np.fft.rfft2(x[None]).real, lambda x: np.fft.rfftn(x[None], axes=(-2, -1)).real),
        (lambda x: np.fft.ifft2(x[None]).real, lambda x: np.fft.ifftn(x[None], axes=(-2, -1)).real),
        (lambda x: np.fft.irfft2(x[None]), lambda x: np.fft.irfftn(x[None], axes=(-2, -1))),
        (lambda x: np.nanmedian(x), lambda x: np.median(x[~np.isnan(x)])),
        (lambda x: np.piecewise(x, [x < 0], [lambda t: -t, abs]), lambda x: np.select([x < 0], [-x], abs(x))),
        (lambda x: np.block([x, x]), lambda x: np.concat([x, x])),
        (lambda x: np.full_like(v, x[0]), lambda x: np.zeros_like(v) + x[0]),
        (lambda x: np.histogram(v, 2, (-9, 9), weights=x[:3])[0], lambda x: np.bincount((v > 0) * 1, x[:3], 2)),
    ):
        with pytest.raises(TypeError, match="has no derivative rule; (?!write it)"):
            autodiff.grad(lambda x, f=refused: f(x).sum())(row)
        np.testing.assert_allclose(instead(row), refused(row), rtol=1e-12, atol=1e-15)
        assert autodiff.grad(lambda x, f=instead: (f(x) * f(x)).sum())(row).any()


@pytest.mark.parametrize(
    "f",
    [
        lambda x: np.floor(C, out=x),
        lambda x: np.greater(C, x, x),
        lambda x: np.isnan(C, x),
        lambda x: np.round(C, 1, out=x),
        lambda x: np.round(C, 1, x),
        lambda x: np.rint(C, out=x),
        lambda x: np.argmax(C, axis=0, out=x[0]),
        lambda x: np.exp(C, out=x),
    ],
)
def test_constant_is_not_written_over_the_argument(f):
    x = X.copy()
    with pytest.raises(TypeError, match=r"can't (write to|write a traced array to) `out`"):
        autodiff.grad(lambda x: f(x) is None or x.sum())(x)
    np.testing.assert_array_equal(x, X)


def test_keyword_of_numpy_is_refused_by_its_name():
    for f, message in (
        (lambda x: np.sum(x, where=x > 0), "`sum` of a traced array takes axis, dtype, keepdims, got `where`"),
        (lambda x: x.max(initial=0.0), "`max` of a traced array takes axis, keepdims, got `initial`"),
        (lambda x: np.exp(x, where=x > 0), "`exp` of a traced array takes no settings, got `where`"),
        (lambda x: np.add(x, 1, out=np.zeros_like(x)), "`add` can't write a traced array to `out`; leave it out"),
        (lambda x: x.sum(axis=0, out=np.zeros(3)), "`sum` can't write a traced array to `out`"),
        (lambda x: al.array_namespace(C).clip(x, 0, 1), "al.array_namespace"),
        (lambda x: np.vstack([x, x], dtype=np.float32), "`vstack` of a traced array takes no settings, got `dtype`"),
        (
            lambda x: np.average(x, returned=True)[0],
            "`average` of a traced array takes axis, weights, keepdims, got",
        ),
        (lambda x: np.meshgrid(x, sparse=True)[0], "`meshgrid` of a traced array takes indexing, got `sparse`"),
        (lambda x: np.nansum(x, out=np.zeros(())), "`nansum` can't write a traced array to `out`"),
        (lambda x: np.full_like(C, x[0, 0, 0]), "NumPy's arrays can't hold a traced one; use a sum"),
        (lambda x: np.histogram(C, weights=x)[0], "add up weights by np.bincount"),
        (lambda x: np.histogram(x, density=True)[0], "its counts are constant, those of autodiff.stop_gradient(x)"),
        (lambda x: np.median(x, axis=(0, 1)), "takes one axis or none, got (0, 1); reshape it before"),
        (
            lambda x: np.quantile(x, 0.5, method="lower"),
            "`quantile` of a traced array takes axis, keepdims, got",
        ),
        (lambda x: np.gradient(x[0, 0], np.arange(4.0)), "takes a number for the spacing of each axis"),
        (lambda x: x.ravel(order="F"), "`order` must be 'C' for a traced array, got 'F'"),
        (lambda x: x.reshape((6, 4), order="F"), "`order` must be 'C'"),
        (
            lambda x: np.einsum("iij->j", x[:, :2]),
            "no derivative rule for an index twice in one operand; use xp.linalg",
        ),
        (lambda x: np.einsum(x, [0, 1, 2]), "takes its subscripts as one string"),
        (lambda x: np.pad(x, 1, "edge"), "`pad` of a traced array has mode='constant' alone, got 'edge'"),
        (lambda x: np.linalg.svd(x)[0], "`linalg.svd` has a derivative rule with full_matrices=False"),
        (lambda x: np.linalg.qr(x)[1], "`linalg.qr` has a derivative rule with mode='reduced', of at least as many"),
        (
            lambda x: np.linalg.eigvals(x[0, :, :3]),
            "eigh and eigvalsh, of symmetric matrices, svd and svdvals have one",
        ),
        (lambda x: np.linalg.svd(x * 1j, False)[1], "`linalg.svd` of a complex matrix has no derivative rule"),
    ):
        with pytest.raises(TypeError, match=re.escape(message)):
            autodiff.grad(lambda x, f=f: np.sum(f(x)))(X)


@pytest.mark.parametrize("source", calls(ALONG))
def test_axis_that_the_array_does_not_have_is_an_error(source):
    for axis in (3, -4):
        call = call_of(source.format(axis), al.array_namespace(C), C)
        with pytest.raises((IndexError, ValueError)):
            call(X)
        with pytest.raises((IndexError, ValueError), match=r"axis|axes|index out of range"):
            autodiff.grad(lambda x, call=call: call(x)[0].sum())(X)


@pytest.mark.parametrize(
    "f",
    [
        lambda x: float(x[0]),
        lambda x: int(x[0]),
        lambda x: complex(x[0]),
        lambda x: bool(x[0]),
        lambda x: 1.0 if x[0] else 0.0,
        lambda x: math.exp(x[0]),
        lambda x: "%.3f" % x[0],  # noqa: UP031
        lambda x: x[0].item(),
        lambda x: x.tolist(),
        lambda x: x.tobytes(),
        lambda x: np.asarray(x),
        lambda x: np.array([x[0], x[1]]),
        lambda x: np.float64(x[0]),
        lambda x: np.vectorize(math.sqrt)(x),
        lambda x: compat.asarray(x),
        lambda x: pickle.dumps(x),
        lambda x: al.convert(x, like=pytest.importorskip("torch", reason="torch is not installed").ones(1)),
    ],
)
def test_what_would_lose_the_derivative_says_what_to_write(f):
    message = r"of a traced array would lose its derivative; .*al\.array_namespace\(x\)|compare it, as in x != 0"
    with pytest.raises(TypeError, match=message) as caught:
        autodiff.grad(lambda x: f(x) or x.sum())(np.asarray([1.0, 2.0]))
    assert str(caught.value).endswith("or take autodiff.stop_gradient(x) where a constant is meant")


@pytest.mark.parametrize("name", ["sum", "stack", "where", "tensordot", "maximum", "dot", "from_array"])
def test_dask_s_own_functions_do_not_take_a_traced_array_for_a_constant(name):
    dask = pytest.importorskip("dask.array", reason="dask is not installed")
    y = dask.ones(3, chunks=2)
    call = {
        "sum": lambda x: dask.sum(x),
        "stack": lambda x: dask.stack([x, x]),
        "where": lambda x: dask.where(x > 0, x, 0),
        "tensordot": lambda x: dask.tensordot(x, y, 1),
        "maximum": lambda x: dask.maximum(y, x),
        "dot": lambda x: y.dot(x),
        "from_array": lambda x: dask.from_array(x),
    }[name]
    for x in (dask.ones(3, chunks=2), np.ones(3)):
        try:
            _, gradient = autodiff.value_and_grad(lambda x: call(x).sum())(x)
        except TypeError as error:
            assert "Dask's own function of a traced array would lose its derivative; take xp from" in str(error)  # noqa: PT017
        else:
            assert name == "maximum"
            assert np.all(numpy_of(gradient) == 0.5)


@pytest.mark.parametrize("name", ["sum", "exp", "concat", "asarray"])
def test_array_api_strict_s_own_functions_say_what_to_write(name):
    strict = pytest.importorskip("array_api_strict", reason="array_api_strict is not installed")
    with pytest.raises(TypeError, match=r"array_api_strict's own function of a traced array .*; take xp from al"):
        autodiff.grad(lambda x: getattr(strict, name)([x] if name == "concat" else x))(strict.ones(3))


def test_conditions_on_values_work():
    def f(x):
        assert (1.0 in x, 9.0 in x, not x[0] > x[1]) == (True, False, True)
        if x.max() > 1 and np.all(x > 0) and np.any(x == 2):
            return x[0] * max(x[0], x[1])
        return x[0]

    np.testing.assert_array_equal(autodiff.grad(f)(np.asarray([1.0, 2.0])), [2.0, 1.0])


def test_stop_gradient_is_a_constant_on_every_library():
    x = np.asarray([1.0, 4.0])

    def f(x):
        return (x * autodiff.stop_gradient(x)).sum()

    np.testing.assert_array_equal(autodiff.grad(f)(x), x)
    np.testing.assert_array_equal(autodiff.grad(lambda x: autodiff.grad(f)(x).sum())(x), [0.0, 0.0])
    for name in ("torch", "jax"):
        if name == "torch":
            module = pytest.importorskip("torch", reason="torch is not installed")
            given = module.asarray(x)
        else:
            module = pytest.importorskip("jax", reason="jax is not installed")
            given = module.numpy.asarray(x)
        np.testing.assert_array_equal(np.asarray(al.grad(f)(given)), x)
    with pytest.raises(TypeError, match="`x` must be an array, got float"):
        autodiff.stop_gradient(2.0)


# Printing and copies


def test_traced_array_prints_as_its_array():
    def f(x):
        value = np.asarray([1.0, 2.5])
        assert str(x) == f"{x}" == str(value)
        assert repr(x) == f"TracedArray({value!r})"
        assert f"{x.sum():>8.3f} {x[0]:.1e}" == "   3.500 1.0e+00"
        assert f"{x.shape} {x.dtype}" == "(2,) float64"
        assert np.array2string(x) == np.array_str(x) == str(value)
        assert np.array_repr(x) == repr(value)
        inner = autodiff.grad(lambda y: y.sum() if repr(y) == repr(x) else None)(x)
        return (x * inner).sum()

    autodiff.grad(f)(np.asarray([1.0, 2.5]))


@pytest.mark.parametrize("module", ["array_api_strict", "dask.array"])
def test_traced_array_of_another_library_prints_as_its_array(module):
    xp = pytest.importorskip(module, reason=f"{module} is not installed")
    x = xp.asarray([1.0, 2.5])

    def f(traced):
        assert (str(traced), repr(traced)) == (str(x), f"TracedArray({x!r})")
        return al.array_namespace(traced).sum(traced)

    with uncomputed():
        autodiff.grad(f)(x)


def test_a_copy_keeps_the_derivative():
    def f(x):
        a, (b,) = copy.copy(x), copy.deepcopy([x])
        return (a * b * np.copy(x) * x.copy()).sum()

    np.testing.assert_array_equal(autodiff.grad(f)(np.asarray([1.0, 2.0])), [4.0, 32.0])


def test_what_the_library_s_array_lacks_is_missing():
    def f(x):
        for name in (
            "no_such_method",
            "requires_grad",
            "compute",
            "_repr_html_",
            "__array_interface__",
            "flat",
            "data",
        ):
            assert not hasattr(x, name)
        with pytest.raises(AttributeError, match="'numpy.ndarray' object has no attribute 'no_such_method'"):
            x.no_such_method()
        for name in ("fill", "sort", "partition", "put"):
            with pytest.raises(TypeError, match=f"`{name}` has no derivative rule; a traced array can't be written to"):
                getattr(x, name)()
        with pytest.raises(TypeError, match="`view` has no derivative rule; write it with functions of the array API"):
            x.view(np.int64)
        return x.sum()

    autodiff.grad(f)(np.ones(2))


# A user's own rules


@pytest.fixture
def own_rules(monkeypatch):
    monkeypatch.setattr(autodiff.namespace, "_SPACES", {})
    kept = [(table, dict(table)) for table in (rules.RULES, rules.COMPOSITES)]
    yield
    for table, before in kept:
        table.clear()
        table.update(before)
    numpy_names._accepted.cache_clear()


def test_a_user_adds_rules(own_rules):
    autodiff.rule("sinc", lambda xp, ans, x: lambda g: g * (xp.cos(np.pi * x) - ans) / x, elementwise=True)
    autodiff.rule("rot90", lambda xp, ans, m, k=1: lambda g: np.rot90(g, -k))

    @autodiff.composite("kron")
    def kron(xp, a, b, /):
        return xp.reshape(a[:, None, :, None] * b[None, :, None, :], (a.shape[0] * b.shape[0], -1))

    check_against_central_difference(number_of(lambda x: np.sinc(x)))
    check_against_central_difference(number_of(lambda x: al.array_namespace(x).sinc(x)))
    check_against_central_difference(number_of(lambda x: np.rot90(x, k=3)))
    check_against_central_difference(number_of(lambda x: np.kron(x[0], C[0])))


def test_a_user_adds_a_rule_for_a_function_that_the_library_lacks(own_rules):
    special = pytest.importorskip("scipy.special", reason="scipy is not installed")
    with pytest.raises(TypeError, match="`erf` has no derivative rule"):
        autodiff.grad(lambda x: special.erf(x).sum())(X)
    factor = 2 / math.sqrt(math.pi)
    autodiff.rule("erf", lambda xp, ans, x: lambda g: g * factor * xp.exp(-x * x), elementwise=True)
    check_against_central_difference(number_of(lambda x: special.erf(x)))
